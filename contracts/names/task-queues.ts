/**
 * Task queues by kind of work; one worker serves all unless PERDURE_QUEUES narrows it. Whoever serves `ingest` serves `sync`
 * too: what looks at sources has slots of its own, so that it does not wait behind embeddings.
 */
export const taskQueues = {
  chat: 'chat',
  ingest: 'ingest',
  sync: 'sync',
  evaluate: 'evaluate',
  maintain: 'maintain',
} as const;

/**
 * Where messages to webhooks are sent; whoever serves `sync` serves it too. It has steps alone, with slots of their own, so
 * that no receiver who takes long keeps a source waiting.
 */
export const webhookQueue = 'webhooks';

export type TaskQueue = (typeof taskQueues)[keyof typeof taskQueues];
