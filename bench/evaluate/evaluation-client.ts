import { ApiClient } from '../../cli/api-client.ts';
import { followEvents } from '../../cli/event-stream.ts';
import type { Evaluation } from '../../contracts/evaluation.ts';

const mostMs = 600_000;

/** Runs evaluations as `perdure eval run` does: over the API, following the run's events until the verdict. */
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
    const isFinal = ({ event }: { event: string }) => event === 'done' || event === 'deleted';
    const signal = AbortSignal.timeout(mostMs);
    for await (const { event, data } of followEvents(this.#api, `/evaluations/${id}/events`, { isFinal, signal })) {
      if (!isFinal({ event })) continue;
      const run = data as Evaluation;
      if (run.status === 'completed' && run.progress.done === run.progress.total)
        return (performance.now() - began) / 1000;
      throw new Error(`The run ended as ${run.status}: ${JSON.stringify(run.error)}, ${JSON.stringify(run.progress)}`);
    }
    throw new Error('The stream of the run ended before the run.');
  }

  #post<Body>(path: string, body: unknown): Promise<Body> {
    return this.#api.request<Body>(path, { method: 'POST', body, idempotencyKey: crypto.randomUUID() });
  }
}

/** What case number `index` asks. */
export function questionOf(index: number): string {
  return `What is the answer to question ${index}?`;
}
