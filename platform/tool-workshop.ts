import { createToolWorkshop } from '../providers/tools/create-tool-workshop.ts';
import type { ToolWorkshop } from '../providers/tool-workshop.ts';
import type { Config } from './config.ts';
import { openGuardedFetch } from './guarded-fetch.ts';
import { open } from './seal.ts';

/** Makes tools with their credentials in the clear, within the addresses that the settings allow. */
export function openToolWorkshop(config: Pick<Config, 'PERDURE_FETCH_ALLOW' | 'PERDURE_SECRET_KEY'>): ToolWorkshop {
  return createToolWorkshop({
    fetch: openGuardedFetch(config),
    now: () => new Date(),
    openSealed: (sealed) => open(config.PERDURE_SECRET_KEY, sealed),
  });
}
