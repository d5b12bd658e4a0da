import { query } from '../../../entities/sql.ts';
import type { LoggedCall } from '../../support/fake-provider/call-log.ts';
import type { ProxiedStack } from './proxied-stack.ts';

/** Texts that the provider was paid for more than once, beside those that were in flight at the moments of the hits. */
export type Repeats = {
  repeatedTexts: number;
  textsInFlight: number;
  /** Each call of the document, with its times from the first hit in milliseconds. */
  calls: string[];
};

type UsageRow = { id: string; started: number; settled: number | null };

/**
 * Compares the provider's own log with the chunks of a document's generation: each chunk is one text to embed, unless
 * it is one of `knownChunks`. A call is in flight from its usage row, which is committed before it, to the transaction that stores its vectors. Only calls
 * from `since` on count (milliseconds since the epoch, as `hitsAt`).
 */
export async function countRepeats(
  stack: Pick<ProxiedStack, 'database'>,
  document: { documentId: string; generation: number; knownChunks?: number },
  { since, hitsAt, log }: { since: number; hitsAt: readonly number[]; log: readonly LoggedCall[] },
): Promise<Repeats> {
  const { documentId, generation } = document;
  if (documentId === '' || generation === 0) return { repeatedTexts: 0, textsInFlight: 0, calls: [] };
  const [rows, [chunks]] = await stack.database.asOperator(async (em) => [
    await query<UsageRow>(
      em,
      `select id, extract(epoch from timestamp)::float8 * 1000 as started,
              extract(epoch from settled_at)::float8 * 1000 as settled
       from usage_metrics where entity_type = 'document' and entity_id = $1 and timestamp >= to_timestamp($2::float8 / 1000)`,
      [documentId, since],
    ),
    await query<{ expected: number | null }>(
      em,
      `select expected_chunks as expected from document_generations where document_id = $1 and generation = $2`,
      [documentId, generation],
    ),
  ]);
  const logged = new Map(log.map((call) => [call.idempotencyKey, call]));
  const textsOf = (row: UsageRow) => paidTexts(logged.get(row.id));
  const paid = rows.reduce((sum, row) => sum + textsOf(row), 0);
  let textsInFlight = 0;
  for (const hitAt of hitsAt)
    for (const row of rows)
      if (row.started <= hitAt && (row.settled === null || row.settled >= hitAt)) textsInFlight += textsOf(row);
  const repeatedTexts = Math.max(0, paid - (chunks?.expected ?? 0) + (document.knownChunks ?? 0));
  const from = (at: number | null) => (at === null ? 'never' : `${Math.round(at - (hitsAt[0] ?? since))} ms`);
  const calls = rows.map((row) => {
    const call = logged.get(row.id);
    const seen = call
      ? `${call.texts} texts to ${call.model}, ${call.outcome}, asked at ${from(call.startedAt)}`
      : 'not made';
    return `noted at ${from(row.started)}, settled at ${from(row.settled)}, ${seen}`;
  });
  return { repeatedTexts, textsInFlight, calls };
}

/** Refused calls cost nothing; one that the client left may have been computed and charged. */
function paidTexts(call: LoggedCall | undefined): number {
  return call === undefined || call.outcome === 'failed' ? 0 : call.texts;
}
