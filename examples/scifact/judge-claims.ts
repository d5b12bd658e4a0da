import type { ApiClient } from '../../cli/api-client.ts';
import type { Evaluation } from '../../contracts/evaluation.ts';
import { measureAgreement } from '../../domain/metrics/aggregate/measure-agreement.ts';
import type { Agreement } from '../../domain/metrics/aggregate/measure-agreement.ts';
import { runEvaluation } from '../run-evaluation.ts';
import type { LabelledClaim } from './scifact-set.ts';
import { serveClaims } from './serve-claims.ts';

type ItemsPage = {
  data: { case_key: string; results: { metric: string; state: string; score: number | null }[] }[];
  next_cursor: string | null;
};

/**
 * Lets a model judge whether claims follow from their abstracts, and compares its verdicts with the labels of people. A
 * claim is one claim already, so it is not taken apart. `lanes` claims are judged at once. What the judge left without a score is not compared.
 */
export async function judgeClaims(
  client: ApiClient,
  claims: readonly LabelledClaim[],
  judge: string,
  lanes: number,
): Promise<{ evaluation: Evaluation; agreement: Agreement }> {
  const server = await serveClaims(claims);
  try {
    const cases = claims.map(({ id, claim, isSupported }) => ({
      key: id,
      input: { question: `Is this right: ${claim}` },
      tags: [isSupported ? 'supported' : 'contradicted'],
    }));
    const evaluation = await runEvaluation(client, 'scifact', cases, {
      target: { type: 'endpoint', url: server.url, headers: {}, answer: '/answer', contexts: '/contexts' },
      metrics: [{ name: 'faithfulness', parameters: { decompose: false } }],
      judge,
      lanes,
    });
    const verdicts = await readVerdicts(client, evaluation.id);
    const pairs = claims.flatMap(({ id, isSupported: label }) => {
      const decision = verdicts.get(id);
      return decision === undefined ? [] : [{ label, decision }];
    });
    return { evaluation, agreement: measureAgreement(pairs) };
  } finally {
    await server.close();
  }
}

async function readVerdicts(client: ApiClient, id: string): Promise<Map<string, boolean>> {
  const verdicts = new Map<string, boolean>();
  for (let cursor: string | null = ''; cursor !== null;) {
    const after: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: ItemsPage = await client.request<ItemsPage>(`/evaluations/${id}/items?limit=100${after}`);
    for (const { case_key: key, results } of page.data) {
      const score = results.find(({ metric }) => metric === 'faithfulness')?.score ?? null;
      if (score !== null) verdicts.set(key, score === 1);
    }
    cursor = page.next_cursor;
  }
  return verdicts;
}
