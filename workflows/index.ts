export { conversation } from './conversation.ts';
export { ingestDocument } from './ingest-document.ts';
export { checkSource } from './check-source.ts';
export { requestSync } from './request-sync.ts';
export { syncSource } from './sync-source.ts';
export { sweepAccepted } from './sweep-accepted.ts';
export { maintainLexicon } from './maintain-lexicon.ts';
export { sweepOrphans } from './sweep-orphans.ts';
