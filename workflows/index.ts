export { conversation } from './conversation.ts';
export { ingestDocument } from './ingest-document.ts';
export { sweepAccepted } from './sweep-accepted.ts';
export { sweepOrphans } from './sweep-orphans.ts';
