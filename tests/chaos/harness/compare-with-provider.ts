import { query } from '../../../entities/sql.ts';
import type { Database } from '../../../platform/database.ts';
import type { LoggedCall } from '../../support/fake-provider/call-log.ts';
import type { Findings } from './round-context.ts';

/**
 * Invariant 6 against the provider's own log: a known usage row has the log's figures for the same call id, and every
 * other logged call has exactly one row, which is unknown. Embedding a question for a search has no id and is left out.
 */
export async function compareWithProvider(database: Database, log: readonly LoggedCall[]): Promise<Findings> {
  const rows = await database.asOperator((em) =>
    query<{
      id: string;
      state: string;
      prompt_tokens: number | null;
      completion_tokens: number | null;
      cost: string | null;
    }>(
      em,
      `select u.id, u.state, u.prompt_tokens, u.completion_tokens, u.cost
       from usage_metrics u join models m on m.id = u.model_id where m.provider = 'openai'`,
    ),
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  const findings: Findings = [];
  const logged = new Set<string>();
  for (const call of log) {
    if (call.kind === 'embeddings' && call.idempotencyKey === null) continue;
    const id = call.idempotencyKey ?? '';
    if (logged.has(id)) findings.push(`The provider was called twice with call id ${id}`);
    logged.add(id);
    const row = byId.get(id);
    const completionTokens = call.kind === 'chat' ? call.completionTokens : null;
    if (!row) findings.push(`The provider's call ${id} has no usage row`);
    else if (row.state === 'settled') {
      if (row.prompt_tokens !== call.promptTokens || row.completion_tokens !== completionTokens)
        findings.push(`Usage ${id} says other figures than the provider's log`);
    } else if (row.prompt_tokens !== null || row.completion_tokens !== null || row.cost !== null)
      findings.push(`Usage ${id} is ${row.state}, but has figures`);
  }
  for (const row of rows)
    if (row.state === 'settled' && !logged.has(row.id))
      findings.push(`Usage ${row.id} is settled, but was never called`);
  return findings;
}
