import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';
import type { SyncError } from './source-sync-repository.ts';

/** The newest sync of a source. */
export type SyncRow = {
  id: string;
  job_id: string | null;
  trigger: 'request' | 'schedule';
  state: 'accepted' | 'running' | 'completed' | 'failed' | 'cancelled';
  listed_items: number;
  unchanged_items: number;
  accepted_items: number;
  failed_items: number;
  removed_documents: number;
  error: SyncError | null;
  started_at: Date | null;
  completed_at: Date | null;
  created_at: Date;
};

/** How a source is; `status` follows from its documents and its newest sync, unless it is paused. */
export type SourceState = {
  status: 'ready' | 'syncing' | 'degraded' | 'failed' | 'paused';
  documents: { total: number; ready: number; in_work: number; failed: number };
  sync: SyncRow | null;
};

const syncColumns = `id, job_id, trigger, state, listed_items, unchanged_items, accepted_items, failed_items,
  removed_documents, error, started_at, completed_at, created_at`;

/** Finds a sync of the whole source: the newest one unless `syncId` names it. */
export async function findSync(
  em: EntityManager,
  { knowledgeSourceId, syncId }: { knowledgeSourceId: string; syncId?: string },
): Promise<SyncRow | null> {
  const [row] = await query<SyncRow>(
    em,
    `select ${syncColumns} from source_syncs
     where knowledge_source_id = $1 and kind = 'full' and ($2::uuid is null or id = $2)
     order by created_at desc, id desc limit 1`,
    [knowledgeSourceId, syncId ?? null],
  );
  return row ?? null;
}

/** The states of the sources, in their order. */
export async function readSourceStates(
  em: EntityManager,
  sources: readonly { id: string; isPaused: boolean }[],
): Promise<SourceState[]> {
  const counted = await query<SourceState['documents'] & { id: string }>(
    em,
    `select knowledge_source_id as id, count(*)::integer as total,
            count(*) filter (where status = 'ready' and error is null)::integer as ready,
            count(*) filter (where status in ('accepted', 'processing'))::integer as in_work,
            count(*) filter (where status in ('failed', 'cancelled') or (status = 'ready' and error is not null))::integer as failed
     from documents where knowledge_source_id = any($1::uuid[]) and deleted_at is null group by knowledge_source_id`,
    [sources.map(({ id }) => id)],
  );
  const states: SourceState[] = [];
  for (const { id, isPaused } of sources) {
    const { id: _id, ...documents } = counted.find((row) => row.id === id) ?? {
      id,
      total: 0,
      ready: 0,
      in_work: 0,
      failed: 0,
    };
    const sync = await findSync(em, { knowledgeSourceId: id });
    states.push({ status: isPaused ? 'paused' : statusOf(documents, sync), documents, sync });
  }
  return states;
}

function statusOf(documents: SourceState['documents'], sync: SyncRow | null): SourceState['status'] {
  if (sync?.state === 'accepted' || sync?.state === 'running' || documents.in_work > 0) return 'syncing';
  if (sync?.state === 'failed' || (documents.failed > 0 && documents.ready === 0)) return 'failed';
  const isPartial = sync !== null && (sync.error !== null || sync.state === 'cancelled');
  return documents.failed > 0 || isPartial ? 'degraded' : 'ready';
}
