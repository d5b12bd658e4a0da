export { conversation } from './conversation.ts';
export { ingestDocument } from './ingest-document.ts';
export { syncSource } from './sync-source.ts';
export { sweepAccepted } from './sweep-accepted.ts';
export { sweepOrphans } from './sweep-orphans.ts';
