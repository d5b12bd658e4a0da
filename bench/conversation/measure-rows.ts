import type pg from 'pg';
import type { Results } from '../harness/results.ts';

/** How the rows of a turn are found in each table; `$1` is the conversation, `$2` and `$3` are numbers of turns. */
const ofTurns = `in (select id from turns where conversation_id = $1 and number > $2 and number <= $3)`;
const rowsOf: Record<string, string> = {
  turns: `select pg_column_size(t.*) as bytes from turns t where t.id ${ofTurns}`,
  messages: `select pg_column_size(m.*) as bytes from messages m
    join turns t on m.id in (t.user_message_id, t.assistant_message_id) where t.id ${ofTurns}`,
  turn_steps: `select pg_column_size(s.*) as bytes from turn_steps s where s.turn_id ${ofTurns}`,
  turn_events: `select pg_column_size(e.*) as bytes from turn_events e where e.turn_id ${ofTurns}`,
  usage_metrics: `select pg_column_size(u.*) as bytes from usage_metrics u where u.turn_id ${ofTurns}`,
};
/** So many of the last turns are looked at. */
const sample = 100;

/**
 * Records the bytes of rows of each of the last hundred turns before `at` in every table, what the summaries of the
 * conversation take in all, and what its tables take on the disk for each turn so far.
 */
export async function measureRows(
  results: Results,
  database: pg.Client,
  { conversation, at, label, isFirst }: { conversation: string; at: number; label: string; isFirst: boolean },
): Promise<void> {
  const from = Math.max(at - sample, 0);
  let all = 0;
  for (const [table, text] of Object.entries(rowsOf)) {
    const { rows } = await database.query<{ bytes: string | null }>(`select sum(bytes) as bytes from (${text}) r`, [
      conversation,
      from,
      at,
    ]);
    const bytes = Number(rows[0]?.bytes ?? 0) / (at - from);
    all += bytes;
    results.record(`row_bytes_per_turn.${label}.${table}`, bytes);
  }
  results.record(`row_bytes_per_turn.${label}.all`, all);
  if (isFirst) return;
  const summaries = await database.query<{ bytes: string | null; count: string }>(
    'select sum(pg_column_size(s.*)) as bytes, count(*) as count from conversation_summaries s where conversation_id = $1',
    [conversation],
  );
  results.record(`summaries.${label}.count`, Number(summaries.rows[0]?.count ?? 0));
  results.record(`summaries.${label}.bytes_per_turn`, Number(summaries.rows[0]?.bytes ?? 0) / at);
  const disk = await database.query<{ bytes: string }>(
    'select sum(pg_total_relation_size(name::regclass)) as bytes from unnest($1::text[]) name',
    [
      [
        ...Object.keys(rowsOf),
        'conversations',
        'conversation_summaries',
        'tool_calls',
        'citations',
        'idempotency_keys',
      ],
    ],
  );
  results.record(`disk_bytes_per_turn.${label}`, Number(disk.rows[0]?.bytes ?? 0) / at);
}
