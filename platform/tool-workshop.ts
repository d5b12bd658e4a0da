import { createAddressPolicy } from '../providers/fetch/address-policy.ts';
import { createGuardedFetch } from '../providers/fetch/guarded-fetch.ts';
import { createToolWorkshop } from '../providers/tools/create-tool-workshop.ts';
import type { ToolWorkshop } from '../providers/tool-workshop.ts';
import type { Config } from './config.ts';
import { open } from './seal.ts';

/** How Perdure names itself to the services that agents call. */
const userAgent = 'Perdure/1.0';

/** Makes tools with their credentials in the clear, within the addresses that the settings allow. */
export function openToolWorkshop(config: Pick<Config, 'PERDURE_FETCH_ALLOW' | 'PERDURE_SECRET_KEY'>): ToolWorkshop {
  return createToolWorkshop({
    fetch: createGuardedFetch(createAddressPolicy(config.PERDURE_FETCH_ALLOW), userAgent),
    now: () => new Date(),
    openSealed: (sealed) => open(config.PERDURE_SECRET_KEY, sealed),
  });
}
