import type { temporal } from '@temporalio/proto';
import { query } from '../../../entities/sql.ts';
import type { StoryWork } from './chaos-point.ts';
import type { ProxiedStack } from './proxied-stack.ts';

type Time = temporal.api.history.v1.IHistoryEvent['eventTime'];

/**
 * The longest time, in milliseconds, in which nothing was seen of the work between a hit and its end: no event in the
 * histories of its workflows, no call to a provider for its documents and no end of a generation.
 */
export async function longestSilenceMs(
  stack: Pick<ProxiedStack, 'database' | 'temporal'>,
  { documents, workflowIds }: StoryWork,
  hitAt: number,
): Promise<number> {
  const signs = await stack.database.asOperator((em) =>
    query<{ at: number }>(
      em,
      `with judged as (select * from unnest($1::uuid[], $2::integer[]) as j (id, generation))
       select extract(epoch from s.at)::float8 * 1000 as at from (
         select u.timestamp as at from usage_metrics u join judged j on u.entity_type = 'document' and u.entity_id = j.id
         union all
         select u.settled_at from usage_metrics u join judged j on u.entity_type = 'document' and u.entity_id = j.id
         union all
         select g.completed_at from document_generations g
         join judged j on g.document_id = j.id and g.generation = j.generation) s
       where s.at is not null`,
      [documents.map(({ documentId }) => documentId), documents.map(({ generation }) => generation)],
    ),
  );
  const times = signs.map(({ at }) => at);
  for (const workflowId of workflowIds) times.push(...(await timesOfEvents(stack, workflowId)));
  const after = times.filter((time) => time > hitAt).sort((a, b) => a - b);
  let longest = 0;
  let last = hitAt;
  for (const time of after) {
    longest = Math.max(longest, time - last);
    last = time;
  }
  return Math.round(longest);
}

// Of gRPC, which the reading of a history passes on as it is.
const notFound = 5;

async function timesOfEvents(stack: Pick<ProxiedStack, 'temporal'>, workflowId: string): Promise<number[]> {
  try {
    const { events } = await stack.temporal.workflow.getHandle(workflowId).fetchHistory();
    return (events ?? []).map((event) => milliseconds(event.eventTime));
  } catch (error) {
    // What was cancelled or deleted before its workflow began has none.
    if ((error as { code?: unknown }).code === notFound) return [];
    throw error;
  }
}

function milliseconds(time: Time): number {
  return Number(time?.seconds ?? 0) * 1000 + (time?.nanos ?? 0) / 1_000_000;
}
