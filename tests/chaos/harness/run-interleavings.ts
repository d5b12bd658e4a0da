import { killProcess } from './hit-process.ts';
import { Interleaving, operations, sureCourses } from './interleaving.ts';
import type { Tally } from './interleaving.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import { ResurrectionWatch } from './resurrection-watch.ts';
import { prepareSagaWorkspace } from './saga-workspace.ts';
import type { ScenarioOptions, ScenarioReport } from './scenario.ts';
import type { SeededRandom } from './seeded-random.ts';
import { settleAndCheck } from './settle-and-check.ts';

// As many documents as keep two cores busy.
const lanes = 12;
// So that a worker dies in the middle of interleavings now and then.
const perKill = 150;

/** Tries `options.count` interleavings of what clients do with one path each, some at once, with kills in between. */
export async function runInterleavings(
  stack: ProxiedStack,
  random: SeededRandom,
  options: ScenarioOptions,
): Promise<ScenarioReport> {
  await prepareSagaWorkspace(stack);
  const watch = await ResurrectionWatch.start(stack.database);
  const tally = Object.fromEntries(operations.map((operation) => [operation, { accepted: 0, refused: 0 }])) as Tally;
  const ends: Record<string, number> = {};
  const findings: string[] = [];
  let next = 0;
  let done = 0;
  let hits = 0;
  const lane = async () => {
    while (next < options.count && Date.now() < options.until) {
      next += 1;
      const course = sureCourses[next - 1] ?? null;
      const name = `i${options.round}x${String(next).padStart(5, '0')}`;
      if (next % perKill === 0 && (await killProcess(stack.homeOf('worker'), 'worker')) !== null) hits += 1;
      const found = await new Interleaving(stack, watch, name, tally, ends).run(random.fork(name), course);
      for (const finding of found) options.say(`        ${finding}`);
      findings.push(...found);
      done += 1;
      if (done % 100 === 0) options.say(`  ${done} of ${options.count} interleavings, ${findings.length} findings`);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  findings.push(...(await settleAndCheck(stack, stack.provider.log())), ...(await watch.end()));
  for (const operation of operations)
    if (tally[operation].accepted === 0)
      findings.push(`No ${operation} was accepted in ${done} interleavings: nothing is proven about it`);
  for (const end of ['ready', 'failed', 'deleted'])
    if (!ends[end]) findings.push(`No document was ${end} in the end: nothing is proven about such`);
  return { rounds: done, hits, findings, details: { tally, ends, looksForDeleted: watch.looks } };
}
