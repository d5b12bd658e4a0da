import { FolderSync } from './folder-sync.ts';
import { countRepeats } from './paid-texts.ts';
import { restartProcess } from './hit-process.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import { prepareSagaWorkspace } from './saga-workspace.ts';
import type { ScenarioOptions, ScenarioReport } from './scenario.ts';
import type { SeededRandom } from './seeded-random.ts';
import { settleAndCheck } from './settle-and-check.ts';

const files = { count: 300, sentences: 40 };
// Texts of one call, as prepareSagaWorkspace sets it.
const batchTexts = 8;
const workers = ['worker', 'stand-in'] as const;
// Each worker twice: once would be the least that a deploy does.
const fewestRestarts = 4;
const patienceMs = 600_000;

/**
 * Restarts two workers in turn, politely as a deploy does, as long as a large source is synchronised: nothing fails,
 * and at most one batch of texts is paid twice.
 */
export async function runRollingRestart(
  stack: ProxiedStack,
  random: SeededRandom,
  options: ScenarioOptions,
): Promise<ScenarioReport> {
  await prepareSagaWorkspace(stack);
  await stack.useStandIn(true);
  const since = Date.now();
  const sync = await FolderSync.start(stack, `rolling${options.round}`, files, random);
  let over = false;
  const ended = sync.untilEnded(patienceMs).finally(() => (over = true));
  const restarts: Array<{ worker: string; at: number; tookMs: number }> = [];
  while (!over) {
    const worker = workers[restarts.length % workers.length]!;
    const began = Date.now();
    await restartProcess(stack.homeOf(worker), 'worker');
    if (over) break;
    restarts.push({ worker, at: sync.progress(), tookMs: Date.now() - began });
    options.say(`  restarted ${worker} in ${Date.now() - began} ms, ${Math.round(sync.progress() * 100)} % done`);
  }
  const findings = await ended;
  await stack.useStandIn(false);
  findings.push(...(await settleAndCheck(stack, stack.provider.log())));
  const log = stack.provider.log();
  let repeatedTexts = 0;
  for (const documentId of await sync.documentIds())
    repeatedTexts += (await countRepeats(stack, { documentId, generation: 1 }, { since, hitsAt: [], log }))
      .repeatedTexts;
  if (repeatedTexts > batchTexts) findings.push(`${repeatedTexts} texts were paid twice, one batch has ${batchTexts}`);
  if (restarts.length < fewestRestarts)
    findings.push(`Only ${restarts.length} restarts fell into the work: the round proves nothing`);
  return { rounds: 1, hits: restarts.length, findings, details: { restarts, repeatedTexts } };
}
