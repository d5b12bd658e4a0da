import type { temporal } from '@temporalio/proto';
import { workflowIds } from '../../../contracts/names/workflows.ts';
import { query } from '../../../entities/sql.ts';
import type { ProxiedStack } from './proxied-stack.ts';

type Time = temporal.api.history.v1.IHistoryEvent['eventTime'];

/**
 * The longest time, in milliseconds, in which nothing was seen of a document's work between a hit and its end: no event
 * in the history of its workflow, no call to a provider and no end of its generation.
 */
export async function longestSilenceMs(
  stack: Pick<ProxiedStack, 'database' | 'temporal'>,
  document: { documentId: string; generation: number },
  hitAt: number,
): Promise<number> {
  if (document.documentId === '' || document.generation === 0) return 0;
  const signs = await stack.database.asOperator((em) =>
    query<{ at: number }>(
      em,
      `select extract(epoch from s.at)::float8 * 1000 as at from (
         select timestamp as at from usage_metrics where entity_type = 'document' and entity_id = $1
         union all select settled_at from usage_metrics where entity_type = 'document' and entity_id = $1
         union all select completed_at from document_generations where document_id = $1 and generation = $2) s
       where s.at is not null`,
      [document.documentId, document.generation],
    ),
  );
  const handle = stack.temporal.workflow.getHandle(
    workflowIds.ingestDocument(document.documentId, document.generation),
  );
  const { events } = await handle.fetchHistory();
  const times = [...signs.map((sign) => sign.at), ...(events ?? []).map((event) => milliseconds(event.eventTime))];
  const after = times.filter((time) => time > hitAt).sort((a, b) => a - b);
  let longest = 0;
  let last = hitAt;
  for (const time of after) {
    longest = Math.max(longest, time - last);
    last = time;
  }
  return Math.round(longest);
}

function milliseconds(time: Time): number {
  return Number(time?.seconds ?? 0) * 1000 + (time?.nanos ?? 0) / 1_000_000;
}
