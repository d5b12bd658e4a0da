import { setTimeout as sleep } from 'node:timers/promises';
import type { Evaluation } from '../../../contracts/evaluation.ts';
import { until } from '../../support/until.ts';
import { query } from '../../../entities/sql.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import { hitAtRandom } from './random-hits.ts';
import type { Findings } from './round-context.ts';
import { targets } from './scenario.ts';
import type { ScenarioOptions, ScenarioReport } from './scenario.ts';
import type { SeededRandom } from './seeded-random.ts';
import { settleAndCheck } from './settle-and-check.ts';

/** What the model that judges does: it answers, it is away for the first minute, or for ever. */
type Judge = 'answers' | 'comes-late' | 'stays-away';

const usualCases: Record<Judge, number> = { answers: 1000, 'comes-late': 300, 'stays-away': 300 };
const lanes = 8;
const awayMs = 60_000;
const judgement = encodeURIComponent('{"reason": "It answers the question.", "grade": 4}');
const targetModel = 'fake?tokens=20&firstTokenMs=60';
const answering = `fake?firstTokenMs=60&answer=${judgement}`;
const failing = 'fake?status=503';

/**
 * A run of evaluations of many cases with two metrics, one of them judged by a model, under hits on workers, APIs, PostgreSQL
 * and Temporal (R24): verdict and scores equal those of an undisturbed run, and a kill repeats at most the calls of the
 * lanes. A judge that is away for a while is waited for; without one its metric is unscored, and the verdict incomplete.
 */
export const runEvaluations =
  (judge: Judge) =>
  async (stack: ProxiedStack, random: SeededRandom, options: ScenarioOptions): Promise<ScenarioReport> => {
    const name = `evaluations-${judge}-${options.round}`;
    const cases = options.sample ?? usualCases[judge];
    const { ask, setJudge } = await prepare(stack, name, cases, judge);
    const calm = await stack.api.request<Evaluation>('POST', '/evaluations', ask(`${name} calm`), `${name}-calm`);
    const undisturbed = await ended(stack, calm.id);
    await stack.useReplicas();
    await stack.useStandIn(true);
    if (judge === 'comes-late') await setJudge(failing);
    const before = stack.provider.log().length;
    const { id } = await stack.api.request<Evaluation>('POST', '/evaluations', ask(`${name} hit`), `${name}-hit`);
    const comesBack = judge === 'comes-late' ? sleep(awayMs).then(() => setJudge(answering)) : Promise.resolve();
    let done = false;
    const result = ended(stack, id).finally(() => {
      done = true;
    });
    const hits = await hitAtRandom(stack, random.fork('hits'), {
      targets: options.targets.length === 0 ? targets : options.targets,
      faults: options.faults.length === 0 ? ['kill'] : options.faults,
      untilMs: options.seconds * 1000,
      inFlight: () => (done ? 0 : lanes),
      say: options.say,
    });
    await comesBack;
    const run = await result;
    await stack.useStandIn(false);
    const counting = hits.filter(({ inFlight }) => inFlight > 0).length;
    const calls = stack.provider.log().slice(before);
    const findings: Findings = [];
    if (counting === 0) findings.push('No hit met work that was under way: the round proves nothing');
    const expected = judge === 'stays-away' ? 'incomplete' : 'passed';
    if (undisturbed.verdict !== expected)
      findings.push(`The verdict without hits is ${undisturbed.verdict}, not ${expected}`);
    if (run.verdict !== undisturbed.verdict)
      findings.push(`The verdict is ${run.verdict}, and ${undisturbed.verdict} without hits`);
    if (run.progress.done !== cases) findings.push(`${run.progress.done} of ${cases} cases are done`);
    if (JSON.stringify(await scoresOf(stack, id)) !== JSON.stringify(await scoresOf(stack, calm.id)))
      findings.push('Scores differ from those of the undisturbed run');
    // Of a judge that is away only answers count: asking again is what it is waited for with.
    const paid = calls.filter(({ model, outcome }) => model === targetModel || outcome === 'finished').length;
    const repeated = paid - (judge === 'stays-away' ? cases : 2 * cases);
    if (repeated > counting * lanes)
      findings.push(`${repeated} calls were repeated by ${counting} hits on ${lanes} lanes`);
    findings.push(...(await settleAndCheck(stack, stack.provider.log())));
    return { hits: counting, rounds: 1, findings, details: { cases, calls: calls.length, repeated, hits } };
  };

async function prepare(
  stack: ProxiedStack,
  name: string,
  cases: number,
  judge: Judge,
): Promise<{ ask: (run: string) => object; setJudge: (modelId: string) => Promise<unknown> }> {
  const { api, providerUrl: endpoint } = stack;
  const post = (path: string, body: object, key: string) =>
    api.request<{ id: string }>('POST', path, body, `${name}-${key}`);
  const model = (own: string, modelId: string) =>
    post('/models', { name: own, kind: 'chat', provider: 'openai', model_id: modelId, endpoint }, own);
  await model(`${name}-model`, targetModel);
  const { id: judgeId } = await model(`${name}-judge`, judge === 'stays-away' ? failing : answering);
  await post('/prompt-templates', { name: `${name}-template`, type: 'user', template: '{{question}}' }, 'template');
  const given = Array.from({ length: cases }, (_, index) => ({
    key: `case ${index}`,
    input: { question: `What is the answer to question ${index} of ${name}?` },
    expected_answer: `The answer to question ${index}.`,
  }));
  const dataset = await post('/evaluation-datasets', { name: `${name}-cases`, cases: given }, 'cases');
  const ask = (run: string) => ({
    name: run,
    dataset: dataset.id,
    target: { type: 'prompt_template', prompt_template: `${name}-template`, model: `${name}-model` },
    metrics: ['token_f1', { name: 'rubric', parameters: { rubric: 'Does it answer?' }, label: 'grade' }],
    gates: ['grade>=4'],
    judge: `${name}-judge`,
    lanes,
    ...(judge === 'stays-away' && { patience_seconds: 5 }),
  });
  const setJudge = (modelId: string) => api.request('PATCH', `/models/${judgeId}`, { model_id: modelId });
  return { ask, setJudge };
}

/** The run once it has ended, asked for over whatever happens to the API. */
async function ended({ api }: ProxiedStack, id: string): Promise<Evaluation> {
  return until(
    async () => {
      const run = await api.request<Evaluation>('GET', `/evaluations/${id}`);
      return ['queued', 'running'].includes(run.status) ? null : run;
    },
    { what: 'the end of the run', timeoutMs: 600_000, everyMs: 500 },
  );
}

async function scoresOf({ database }: ProxiedStack, evaluationId: string): Promise<unknown[]> {
  return database.asOperator((em) =>
    query(
      em,
      `select i.case_key, r.metric, r.state, r.score from evaluation_results r
       join evaluation_items i using (evaluation_id, ordinal) where evaluation_id = $1 order by 1, 2`,
      [evaluationId],
    ),
  );
}
