import { setTimeout as sleep } from 'node:timers/promises';
import { isUp, killProcess } from './hit-process.ts';
import { paceOfCalls } from './pace-of-calls.ts';
import { countRepeats } from './paid-texts.ts';
import { refusal } from './proxies/provider-proxy.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import { SagaBatch } from './saga-batch.ts';
import { prepareSagaWorkspace } from './saga-workspace.ts';
import type { ScenarioOptions, ScenarioReport } from './scenario.ts';
import type { SeededRandom } from './seeded-random.ts';
import { settleAndCheck } from './settle-and-check.ts';

const documents = { count: 60, sentences: 30 };
const refusedShare = 0.3;
const requestsPerMinute = 150;
const kills = 3;
// Calls that a worker has under way at most: as many as it ingests documents at once.
const lanes = 6;
const patienceMs = 400_000;

/**
 * Ingests a batch with two workers while the provider refuses three of ten calls with `Retry-After`, and kills workers
 * meanwhile. No stored chunk is paid again, and the provider's log keeps to the configured limit and to each refusal.
 */
export async function runRateLimited(
  stack: ProxiedStack,
  random: SeededRandom,
  options: ScenarioOptions,
): Promise<ScenarioReport> {
  const setPace = await prepareSagaWorkspace(stack);
  await setPace({ requestsPerMinute });
  await stack.useStandIn(true);
  const since = Date.now();
  const pauses = stack.board.watch(({ via, what }) => via === 'postgres' && /block_model_calls/.test(what));
  const refusals = random.fork('refusals');
  stack.refuseCalls(() => refusals.next() < refusedShare);
  const batch = await SagaBatch.accept(stack, `limited${options.round}`, documents, random);
  let over = false;
  const ended = batch.untilEnded(patienceMs).finally(() => (over = true));
  const hitsAt: number[] = [];
  const moments = random.fork('moments');
  for (let nth = 0; nth < kills && !over; nth += 1) {
    const due = ((nth + moments.next()) / kills) * 0.8;
    const victim = moments.pick(['worker', 'stand-in'] as const);
    while (!over && (batch.progress() < due || !isUp(stack.homeOf(victim), 'worker'))) await sleep(20);
    if (over || (await killProcess(stack.homeOf(victim), 'worker')) === null) continue;
    hitsAt.push(Date.now());
    options.say(`  killed ${victim} at ${Math.round(batch.progress() * 100)} % of the batch`);
  }
  const findings = await ended;
  stack.refuseCalls(null);
  await setPace({});
  findings.push(...(await settleAndCheck(stack, stack.provider.log())));
  const log = stack.provider.log().filter((call) => call.startedAt >= since);
  const total = { repeatedTexts: 0, textsInFlight: 0 };
  for (const documentId of batch.documentIds) {
    const paid = await countRepeats(stack, { documentId, generation: 1 }, { since, hitsAt, log });
    if (paid.repeatedTexts > paid.textsInFlight)
      findings.push(`Document ${documentId}: ${paid.repeatedTexts} texts paid again, ${paid.textsInFlight} in flight`);
    total.repeatedTexts += paid.repeatedTexts;
    total.textsInFlight += paid.textsInFlight;
  }
  pauses.end();
  const pace = await paceOfCalls(stack.database, log, { pausesAt: pauses.times, pauseMs: refusal.retryAfterMs });
  if (pace.mostPerMinute > requestsPerMinute)
    findings.push(`${pace.mostPerMinute} calls began within a minute, the limit is ${requestsPerMinute}`);
  if (pace.tooSoonMs.length > 0)
    findings.push(`Calls were decided on ${pace.tooSoonMs.join(', ')} ms after a refusal that asked for a second`);
  // What a killed worker was told it could tell nobody.
  if (pace.pauses < pace.refused - hitsAt.length * lanes)
    findings.push(`Of ${pace.refused} refusals ${pace.pauses} were told to the other worker`);
  if (pace.refused < pace.calls * refusedShare * 0.5)
    findings.push(`Only ${pace.refused} of ${pace.calls} were refused`);
  return { rounds: 1, hits: hitsAt.length, findings, details: { pace, ...total } };
}
