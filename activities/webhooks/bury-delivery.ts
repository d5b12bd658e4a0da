import type { DeliverWebhookInput } from '../../contracts/names/workflows.ts';
import { buryDelivery as bury } from '../../entities/webhooks/webhook-delivery-repository.ts';
import type { WebhookDeps } from './webhook-deps.ts';

/** Puts a delivery that nobody has taken among the dead letters, with the error of its last attempt. */
export function createBuryDelivery(deps: Pick<WebhookDeps, 'database'>): (input: DeliverWebhookInput) => Promise<void> {
  return async function buryDelivery(input) {
    await deps.database.inWorkspace(input.workspaceId, (em) => bury(em, input, null));
  };
}
