import { setTimeout as delay } from 'node:timers/promises';
import { ApiClient } from '../../cli/api-client.ts';
import type { Evaluation } from '../../contracts/evaluation.ts';

const pollMs = 100;

/** Runs evaluations as CI does: over the API, until the verdict. */
export class EvaluationClient {
  readonly #api: ApiClient;

  constructor(url: string, key: string) {
    this.#api = new ApiClient(url, key);
  }

  /** Makes a model at `endpoint` and a template that repeats the question. */
  async createTarget(model: string, endpoint: string): Promise<void> {
    await this.#post('/models', { name: 'instant', kind: 'chat', provider: 'openai', model_id: model, endpoint });
    await this.#post('/prompt-templates', { name: 'question', type: 'user', template: '{{question}}' });
  }

  async createDataset(name: string, cases: number): Promise<void> {
    await this.#post('/evaluation-datasets', {
      name,
      cases: Array.from({ length: cases }, (_, index) => ({
        key: `case ${index}`,
        input: { question: questionOf(index) },
        expected_answer: `The answer to question ${index}.`,
      })),
    });
  }

  /** Runs the data set with two metrics and returns the seconds from the request to the verdict. */
  async run(dataset: string, lanes: number): Promise<number> {
    const began = performance.now();
    const { id } = await this.#post<Evaluation>('/evaluations', {
      dataset,
      target: { type: 'prompt_template', prompt_template: 'question', model: 'instant' },
      metrics: ['exact_match', 'token_f1'],
      lanes,
    });
    for (;;) {
      const run = await this.#api.request<Evaluation>(`/evaluations/${id}`);
      if (run.status === 'completed' && run.progress.done === run.progress.total)
        return (performance.now() - began) / 1000;
      if (!['queued', 'running'].includes(run.status))
        throw new Error(
          `The run ended as ${run.status}: ${JSON.stringify(run.error)}, ${JSON.stringify(run.progress)}`,
        );
      await delay(pollMs);
    }
  }

  #post<Body>(path: string, body: unknown): Promise<Body> {
    return this.#api.request<Body>(path, { method: 'POST', body, idempotencyKey: crypto.randomUUID() });
  }
}

/** What case number `index` asks. */
export function questionOf(index: number): string {
  return `What is the answer to question ${index}?`;
}
