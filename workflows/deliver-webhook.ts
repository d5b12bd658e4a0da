import { ActivityFailure, isCancellation, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { createWebhookActivities } from '../activities/webhooks/create-webhook-activities.ts';
import type { DeliverWebhookInput, DeliverWebhookResult } from '../contracts/names/workflows.ts';
import { buryDeliveryOptions, sendWebhookOptions } from './activity-options.ts';

type Steps = ReturnType<typeof createWebhookActivities>;

const { sendWebhook } = proxyActivities<Steps>(sendWebhookOptions);
const { buryDelivery } = proxyLocalActivities<Steps>(buryDeliveryOptions);

/**
 * Sends one message to one webhook until it is taken, for about a day and a half; then it becomes a dead letter, and this
 * ends as failed, so that Temporal's list shows it.
 */
export async function deliverWebhook(input: DeliverWebhookInput): Promise<DeliverWebhookResult> {
  try {
    return await sendWebhook(input);
  } catch (error) {
    if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
    await buryDelivery(input);
    throw error;
  }
}
