import type { EntityManager } from '@mikro-orm/postgresql';
import type { AgentSnapshot } from '../../contracts/agent.ts';
import { query } from '../sql.ts';
import type { TemplateSnapshot } from './prompt-template-version-repository.ts';
import type { StoredToolSnapshot } from './tool-version-repository.ts';

/** The tables of kept versions, with the column that says of what. */
const versionTables = {
  agent: { table: 'agent_versions', owner: 'agent_id' },
  promptTemplate: { table: 'prompt_template_versions', owner: 'prompt_template_id' },
  tool: { table: 'tool_versions', owner: 'tool_id' },
} as const satisfies Record<Versioned, { table: string; owner: string }>;

type Snapshots = { agent: AgentSnapshot; promptTemplate: TemplateSnapshot; tool: StoredToolSnapshot };

/** What has versions. */
export type Versioned = keyof Snapshots;

/** A kept version. */
export type VersionRow<Kind extends Versioned> = { version: number; snapshot: Snapshots[Kind]; created_at: Date };

/** Lists the versions of one row, newest first, below `beforeVersion`. */
export async function listVersions<Kind extends Versioned>(
  em: EntityManager,
  kind: Kind,
  id: string,
  page: { beforeVersion: number | null; limit: number },
): Promise<VersionRow<Kind>[]> {
  const { table, owner } = versionTables[kind];
  return query<VersionRow<Kind>>(
    em,
    `select version, snapshot, created_at from ${table}
     where ${owner} = $1 and ($2::integer is null or version < $2) order by version desc limit $3`,
    [id, page.beforeVersion, page.limit],
  );
}

/** Finds one version of one row. */
export async function findVersion<Kind extends Versioned>(
  em: EntityManager,
  kind: Kind,
  id: string,
  version: number,
): Promise<VersionRow<Kind> | null> {
  const { table, owner } = versionTables[kind];
  const [row] = await query<VersionRow<Kind>>(
    em,
    `select version, snapshot, created_at from ${table} where ${owner} = $1 and version = $2`,
    [id, version],
  );
  return row ?? null;
}
