import { createAddressPolicy } from '../providers/fetch/address-policy.ts';
import { createGuardedFetch, type GuardedFetch } from '../providers/fetch/guarded-fetch.ts';
import type { Config } from './config.ts';

/** How Perdure names itself to the services that it calls. */
const userAgent = 'Perdure/1.0';

/** Makes the fetch by which Perdure calls what people have named, within the addresses that the settings allow. */
export function openGuardedFetch(config: Pick<Config, 'PERDURE_FETCH_ALLOW'>): GuardedFetch {
  return createGuardedFetch(createAddressPolicy(config.PERDURE_FETCH_ALLOW), userAgent);
}
