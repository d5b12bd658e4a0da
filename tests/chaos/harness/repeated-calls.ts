import { query } from '../../../entities/sql.ts';
import type { ProxiedStack } from './proxied-stack.ts';

/** Texts of a document that the provider was paid for more than once, beside those that were in flight at the hit. */
export type Repeats = { repeatedTexts: number; textsInFlight: number };

/**
 * Compares the provider's own log with the chunks of a document's generation: each chunk is one text to embed. A call is
 * in flight from its usage row, which is committed before it, to the transaction that stores its vectors.
 */
export async function countRepeats(
  stack: Pick<ProxiedStack, 'database' | 'provider'>,
  document: { documentId: string; generation: number },
  { since, hitAt }: { since: number; hitAt: number },
): Promise<Repeats> {
  if (document.documentId === '' || document.generation === 0) return { repeatedTexts: 0, textsInFlight: 0 };
  const rows = await stack.database.asOperator((em) =>
    query<{ id: string; started: number; settled: number | null; chunks: number }>(
      em,
      `select u.id, extract(epoch from u.timestamp)::float8 * 1000 as started,
              extract(epoch from u.settled_at)::float8 * 1000 as settled, coalesce(g.expected_chunks, 0) as chunks
       from usage_metrics u
       join document_generations g on g.document_id = u.entity_id and g.generation = $2
       where u.entity_type = 'document' and u.entity_id = $1 and u.timestamp >= to_timestamp($3::float8 / 1000)`,
      [document.documentId, document.generation, since],
    ),
  );
  const calls = new Map(stack.provider.log().map((call) => [call.idempotencyKey, call]));
  let paidTexts = 0;
  let textsInFlight = 0;
  for (const row of rows) {
    const call = calls.get(row.id);
    // Refused calls cost nothing; one that the client left may have been computed and charged.
    if (call && call.outcome !== 'failed') paidTexts += call.texts;
    if (row.started <= hitAt && (row.settled === null || row.settled >= hitAt)) textsInFlight += call?.texts ?? 0;
  }
  return { repeatedTexts: Math.max(0, paidTexts - (rows[0]?.chunks ?? 0)), textsInFlight };
}
