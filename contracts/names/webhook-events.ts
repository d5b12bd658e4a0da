/** What webhooks can be told of. A job or a run of an evaluation that has ended says how by its name. */
export const webhookEvents = [
  'job.completed',
  'job.partial',
  'job.failed',
  'evaluation.completed',
  'evaluation.failed',
  'evaluation.cancelled',
  'approval.waiting',
  'budget.warning',
  'budget.exceeded',
  'invariant.broken',
] as const;

export type WebhookEvent = (typeof webhookEvents)[number];

/** What a webhook is sent on request, whatever it has subscribed to. */
export const testEvent = 'webhook.test';

/** How a delivery stands; `dead` are those that were given up, the dead letters. */
export const deliveryStates = ['pending', 'delivered', 'dead'] as const;

export type DeliveryState = (typeof deliveryStates)[number];
