import { createAddressPolicy } from '../providers/fetch/address-policy.ts';
import { createGuardedFetch } from '../providers/fetch/guarded-fetch.ts';
import type { DocumentSource } from '../providers/sources/document-source.ts';
import { openSource } from '../providers/sources/open-source.ts';
import { createRobotsReader } from '../providers/sources/robots-rules.ts';
import type { Config } from './config.ts';
import { open } from './seal.ts';
import { createSourceDatabaseOpener } from './source-database.ts';

/** A source as its row says it; the connection string is sealed. */
export type SealedSource = { type: string; connectionString: string | null; configuration: Record<string, unknown> };

/** How Perdure names itself to the servers that it reads from; robots.txt may address it so. */
const userAgent = 'PerdureBot/1.0';

/** Opens sources with their credentials in the clear, within what the settings allow. */
export function createSourceOpener(
  config: Pick<Config, 'PERDURE_FETCH_ALLOW' | 'PERDURE_SOURCE_FOLDERS' | 'PERDURE_SECRET_KEY'>,
): (source: SealedSource) => DocumentSource {
  const policy = createAddressPolicy(config.PERDURE_FETCH_ALLOW);
  const fetch = createGuardedFetch(policy, userAgent);
  const tools = {
    fetch,
    robots: createRobotsReader(fetch),
    database: createSourceDatabaseOpener(policy),
    folders: config.PERDURE_SOURCE_FOLDERS,
  };
  return ({ type, configuration, connectionString }) =>
    openSource(
      {
        type,
        configuration,
        connectionString: connectionString === null ? null : open(config.PERDURE_SECRET_KEY, connectionString),
      },
      tools,
    );
}
