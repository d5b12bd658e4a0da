import type { Evaluation } from '../../../contracts/evaluation.ts';
import { workflowIds } from '../../../contracts/names/workflows.ts';
import { query } from '../../../entities/sql.ts';
import { until } from '../../support/until.ts';
import type { PointStory, StoryWork } from './chaos-point.ts';
import { commitOf } from './message-patterns.ts';
import type { Sighting } from './proxies/trap-board.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import type { Findings } from './round-context.ts';

const cases = 3;
const judgement = encodeURIComponent('{"reason": "It answers the question.", "grade": 4}');
const asks = commitOf('api', /insert into evaluations/);
const endsWithinMs = 120_000;

/** One run of evaluations in one lane, measured against an undisturbed run of the same cases. */
export class EvaluationStory implements PointStory {
  readonly opening: PointStory['opening'];
  readonly #stack: ProxiedStack;
  readonly #word: string;
  #ask: object = {};
  #undisturbed: Evaluation | null = null;
  #id = '';

  constructor(stack: ProxiedStack, word: string) {
    this.#stack = stack;
    this.#word = `e${word}`;
    this.opening = { is: (sighting) => asks(sighting) && this.owns(sighting), learn: () => this.#learnId() };
  }

  owns(sighting: Sighting): boolean {
    return [this.#id, `${this.#word} hit`].some((text) => text !== '' && sighting.mentions(text));
  }

  async prepare(): Promise<void> {
    const { api, providerUrl: endpoint } = this.#stack;
    const once = (path: string, name: string, body: object) =>
      api.request<{ id: string }>('POST', path, { name, ...body }, `evaluations${path}-${name}`);
    const model = { kind: 'chat', provider: 'openai', endpoint };
    const pricing = { currency: 'USD', input_per_million: '1', output_per_million: '2' };
    await once('/models', 'chaos-target', { ...model, model_id: 'fake?tokens=20&firstTokenMs=30', pricing });
    await once('/models', 'chaos-judge', { ...model, model_id: `fake?firstTokenMs=30&answer=${judgement}`, pricing });
    const template = { type: 'user', template: '{{question}}' };
    await once('/prompt-templates', 'chaos-question', template);
    const dataset = await once('/evaluation-datasets', `${this.#word} cases`, {
      cases: Array.from({ length: cases }, (_, index) => ({
        key: `case ${index}`,
        input: { question: `What is the answer to question ${index} of ${this.#word} hit?` },
        expected_answer: `The answer to question ${index}.`,
      })),
    });
    this.#ask = {
      dataset: dataset.id,
      target: { type: 'prompt_template', prompt_template: 'chaos-question', model: 'chaos-target' },
      metrics: ['token_f1', { name: 'rubric', parameters: { rubric: 'Does it answer?' }, label: 'grade' }],
      gates: ['grade>=4'],
      judge: 'chaos-judge',
      lanes: 1,
    };
    const calm = await this.#request('calm');
    this.#undisturbed = await this.#ended(calm.id);
  }

  async act(): Promise<void> {
    const { id } = await this.#request('hit');
    this.#id = id;
    await this.#ended(id);
    // PostgreSQL may be what was hit.
    const isKept = () => this.#histories().catch(() => 0);
    await until(async () => (await isKept()) > 0, { what: 'the kept history', timeoutMs: endsWithinMs });
  }

  async verify(): Promise<Findings> {
    const calm = this.#undisturbed!;
    const run = await this.#ended(this.#id);
    const findings: Findings = [];
    if (calm.verdict !== 'passed') findings.push(`The undisturbed run is ${calm.verdict}`);
    if (run.verdict !== calm.verdict) findings.push(`The verdict is ${run.verdict}, and ${calm.verdict} without hits`);
    if (run.progress.done !== cases) findings.push(`${run.progress.done} of ${cases} cases are done`);
    if ((await this.#scores(run.id)) !== (await this.#scores(calm.id)))
      findings.push('Scores differ from those of the undisturbed run');
    const repeated = (await this.#calls(run.id)) - 2 * cases;
    // Of one lane; a frozen worker goes on beside its successor with the call that it had begun.
    if (repeated > 2) findings.push(`${repeated} calls were paid again by one hit on one lane`);
    return findings;
  }

  async work(): Promise<StoryWork> {
    return { documents: [], workflowIds: [workflowIds.evaluate(this.#id)] };
  }

  #request(which: 'calm' | 'hit'): Promise<Evaluation> {
    const name = `${this.#word} ${which}`;
    return this.#stack.api.request<Evaluation>('POST', '/evaluations', { ...this.#ask, name }, name);
  }

  /** The run once it has ended, asked for over whatever happens to the API. */
  #ended(id: string): Promise<Evaluation> {
    return until(
      async () => {
        const run = await this.#stack.api.request<Evaluation>('GET', `/evaluations/${id}`);
        return ['queued', 'running'].includes(run.status) ? null : run;
      },
      { what: 'the end of the run', timeoutMs: endsWithinMs, everyMs: 250 },
    );
  }

  async #learnId(): Promise<void> {
    const [row] = await this.#rows<{ id: string }>(`select id from evaluations where name = $1`, `${this.#word} hit`);
    this.#id = row?.id ?? '';
  }

  async #histories(): Promise<number> {
    const rows = await this.#rows(`select run_id from evaluation_histories where evaluation_id = $1`, this.#id);
    return rows.length;
  }

  async #scores(id: string): Promise<string> {
    return JSON.stringify(
      await this.#rows(
        `select i.case_key, r.metric, r.state, r.score from evaluation_results r
         join evaluation_items i using (evaluation_id, ordinal) where evaluation_id = $1 order by 1, 2`,
        id,
      ),
    );
  }

  /** How often the provider was called for a run. */
  async #calls(id: string): Promise<number> {
    const rows = await this.#rows<{ id: string }>(
      `select id from usage_metrics where entity_type = 'evaluation' and entity_id = $1`,
      id,
    );
    const own = new Set(rows.map((row) => row.id));
    return this.#stack.provider.log().filter(({ idempotencyKey }) => own.has(idempotencyKey ?? '')).length;
  }

  #rows<Row extends Record<string, unknown>>(text: string, parameter: string): Promise<Row[]> {
    return this.#stack.database.asOperator((em) => query<Row>(em, text, [parameter]));
  }
}
