/** Task queues by kind of work; one worker serves all unless PERDURE_QUEUES narrows it. */
export const taskQueues = { chat: 'chat', ingest: 'ingest', evaluate: 'evaluate', maintain: 'maintain' } as const;

export type TaskQueue = (typeof taskQueues)[keyof typeof taskQueues];
