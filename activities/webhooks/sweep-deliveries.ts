import { claimDueDeliveries } from '../../entities/webhooks/webhook-delivery-repository.ts';
import type { SweepDeliveriesDeps } from './webhook-deps.ts';

const atOnce = 100;

/**
 * Brings deliveries to their workflows: those that were written since the last look, and those whose workflow may be gone.
 * Returns how many.
 */
export function createSweepDeliveries(deps: SweepDeliveriesDeps): () => Promise<{ swept: number }> {
  return async function sweepDeliveries() {
    const due = await deps.database.asOperator((em) => claimDueDeliveries(em, atOnce));
    for (const delivery of due) await deps.startDelivery(delivery);
    return { swept: due.length };
  };
}
