import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiClient } from '../cli/api-client.ts';
import type { GivenCase } from '../contracts/evaluation-case.ts';
import type { CreateEvaluation, Evaluation } from '../contracts/evaluation.ts';

const pollMs = 500;

/** A case as a request writes it: what has a default may be left out. */
export type ExampleCase = Pick<GivenCase, 'key' | 'input'> &
  Partial<Pick<GivenCase, 'expected_answer' | 'is_unanswerable' | 'tags' | 'metadata'>> & {
    expected_documents?: string[];
  };

/** What is asked for, but for the data set and what has a default. */
export type ExampleRun = Pick<CreateEvaluation, 'target' | 'metrics'> & Partial<Omit<CreateEvaluation, 'dataset'>>;

/** Puts the cases into a data set of this name, as its next version if they have changed, measures the target on it, and waits for the end. */
export async function runEvaluation(
  client: ApiClient,
  dataset: string,
  cases: readonly ExampleCase[],
  run: ExampleRun,
): Promise<Evaluation> {
  const { id } = await findOrCreateDataset(client, dataset);
  await client.request(`/evaluation-datasets/${id}/import`, {
    method: 'POST',
    idempotencyKey: randomUUID(),
    body: { mode: 'replace', cases },
  });
  let evaluation = await client.request<Evaluation>('/evaluations', {
    method: 'POST',
    idempotencyKey: randomUUID(),
    body: { dataset, ...run },
  });
  while (evaluation.status === 'queued' || evaluation.status === 'running') {
    await sleep(pollMs);
    evaluation = await client.request<Evaluation>(`/evaluations/${evaluation.id}`);
  }
  return evaluation;
}

async function findOrCreateDataset(client: ApiClient, name: string): Promise<{ id: string }> {
  const { data } = await client.request<{ data: { id: string; name: string }[] }>('/evaluation-datasets?limit=100');
  const known = data.find((dataset) => dataset.name === name);
  if (known !== undefined) return known;
  return client.request('/evaluation-datasets', {
    method: 'POST',
    idempotencyKey: randomUUID(),
    body: { name },
  });
}

/** What a command that ran an evaluation exits with: 0 passed, 1 failed, 2 incomplete or not ended. */
export function exitCodeOf({ verdict }: Evaluation): number {
  if (verdict === 'passed') return 0;
  return verdict === 'failed' ? 1 : 2;
}
