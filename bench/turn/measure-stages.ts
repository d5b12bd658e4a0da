import type { Client } from '@temporalio/client';
import type { Stack } from '../../scripts/supervisor/stack.ts';
import type { Results } from '../harness/results.ts';
import { percentile } from '../harness/statistics.ts';
import { asLogin } from '../ingest/base-database.ts';
import type { TurnTiming } from './turn-client.ts';

type Moments = Partial<Record<Stage, number>>;

const stages = [
  'accepting',
  'replied',
  'answer_begun',
  'model_asked',
  'model_spoke',
  'first_text_stored',
  'first_text_seen',
  'workflow_task_scheduled',
  'activity_scheduled',
  'activity_started',
  'activity_ended',
] as const;

type Stage = (typeof stages)[number];

type Row = {
  id: string;
  conversation_id: string;
  call: string | null;
  accepting: number;
  answer_begun: number;
  first_text_stored: number;
};

/** Records when turns passed each stage, in milliseconds from their request: `stage.NAME_ms` with `suffix` and `.p50`. */
export async function measureStages(
  results: Results,
  suffix: string,
  turns: readonly TurnTiming[],
  { stack, providerUrl, temporal }: { stack: Stack; providerUrl: string; temporal: Client },
): Promise<void> {
  const rows = await readRows(stack, turns);
  const calls = await readCalls(providerUrl);
  const heard = await readHistories(temporal, new Set(rows.map((row) => row.conversation_id)));
  const moments = turns.map(({ turnId, askedAt, repliedMs, firstTokenMs }): Moments => {
    const row = rows.find(({ id }) => id === turnId);
    const call = calls.get(row?.call ?? '');
    const seen = {
      ...{ accepting: row?.accepting, answer_begun: row?.answer_begun, first_text_stored: row?.first_text_stored },
      ...{ model_asked: call?.startedAt, model_spoke: call?.firstTokenAt ?? undefined, ...heard.get(turnId) },
    };
    const since = Object.entries(seen).flatMap(([stage, at]) => (at === undefined ? [] : [[stage, at - askedAt]]));
    return { ...Object.fromEntries(since), replied: repliedMs, first_text_seen: firstTokenMs } as Moments;
  });
  for (const stage of stages) {
    const values = moments.flatMap((moment) => moment[stage] ?? []);
    if (values.length > 0) results.record(`stage.${stage}_ms${suffix}.p50`, percentile(values, 0.5));
  }
}

/** A transaction's moment is that of its begin; all are in milliseconds since the epoch. */
async function readRows(stack: Stack, turns: readonly TurnTiming[]): Promise<Row[]> {
  return asLogin(stack, 'perdure', async (client) => {
    const { rows } = await client.query<Row>(
      `select t.id, t.conversation_id, extract(epoch from t.created_at)::float8 * 1000 as accepting,
              extract(epoch from t.started_at)::float8 * 1000 as answer_begun,
              (select extract(epoch from min(e.created_at))::float8 * 1000 from turn_events e
               where e.turn_id = t.id and e.kind = 'text_delta') as first_text_stored,
              (select u.id from usage_metrics u where u.turn_id = t.id order by u.step, u.attempt limit 1) as call
       from turns t where t.id = any($1::uuid[])`,
      [turns.map(({ turnId }) => turnId)],
    );
    return rows;
  });
}

type Call = { idempotencyKey: string | null; startedAt: number; firstTokenAt: number | null };

async function readCalls(providerUrl: string): Promise<Map<string, Call>> {
  const response = await fetch(new URL('/log', providerUrl));
  const calls = (await response.json()) as Call[];
  return new Map(calls.map((call) => [call.idempotencyKey ?? '', call]));
}

type Time = { seconds?: unknown; nanos?: number | null } | null | undefined;

const milliseconds = (time: Time): number => Number(time?.seconds ?? 0) * 1000 + (time?.nanos ?? 0) / 1e6;

/** When Temporal had what of each turn, by the histories of conversations. */
async function readHistories(temporal: Client, conversations: ReadonlySet<string>): Promise<Map<string, Moments>> {
  const byTurn = new Map<string, Moments>();
  for (const id of conversations) {
    const { events } = await temporal.workflow.getHandle(`conversation/${id}`).fetchHistory();
    const byEvent = new Map<string, Moments>();
    let taskAt = 0;
    for (const event of events ?? []) {
      const at = milliseconds(event.eventTime);
      if (event.workflowTaskScheduledEventAttributes) taskAt = at;
      const data = event.activityTaskScheduledEventAttributes?.input?.payloads?.[0]?.data;
      if (data) {
        const { turnId } = JSON.parse(Buffer.from(data).toString('utf8')) as { turnId: string };
        const moments: Moments = { workflow_task_scheduled: taskAt, activity_scheduled: at };
        byEvent.set(String(event.eventId), moments);
        if (!byTurn.has(turnId)) byTurn.set(turnId, moments);
      }
      const started = event.activityTaskStartedEventAttributes;
      const ended = event.activityTaskCompletedEventAttributes;
      const moments = byEvent.get(String((started ?? ended)?.scheduledEventId));
      if (moments && started) moments.activity_started = at;
      if (moments && ended) moments.activity_ended = at;
    }
  }
  return byTurn;
}
