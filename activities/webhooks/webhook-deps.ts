import type { DeliverWebhookInput } from '../../contracts/names/workflows.ts';
import type { Database } from '../../platform/database.ts';
import type { GuardedFetch } from '../../providers/fetch/guarded-fetch.ts';

/** What the steps of a delivery are made with. */
export type WebhookDeps = { database: Database; fetch: GuardedFetch; openSealed(sealed: string): string };

/** What the sweep of deliveries is made with; starting one that runs changes nothing. */
export type SweepDeliveriesDeps = { database: Database; startDelivery(input: DeliverWebhookInput): Promise<void> };
