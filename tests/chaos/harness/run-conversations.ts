import { ConversationRun } from './conversation-run.ts';
import { countCalls, judgeConversations } from './judge-conversations.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import { hitAtRandom } from './random-hits.ts';
import { faults, targets } from './scenario.ts';
import type { ScenarioOptions, ScenarioReport } from './scenario.ts';
import type { SeededRandom } from './seeded-random.ts';
import { settleAndCheck } from './settle-and-check.ts';
import { countContinuations, startShortRuns } from './short-runs.ts';
import { prepareTurnWorkspace, turnTools } from './turn-workspace.ts';

const usualConversations = 50;
// Of every second conversation, so that messages, approvals and cancels race the ends of runs.
const turnsPerShortRun = 2;

/**
 * Many conversations at once, with tools, approvals, queued, cancelled and replaced messages and clients that drop and
 * come back at another replica, half of them in runs that continue as new all the time. Meanwhile two workers, two APIs,
 * PostgreSQL and Temporal are hit at random.
 */
export async function runConversations(
  stack: ProxiedStack,
  random: SeededRandom,
  options: ScenarioOptions,
): Promise<ScenarioReport> {
  const agent = await prepareTurnWorkspace(stack, turnTools);
  const [api] = await Promise.all([stack.useReplicas(), stack.useStandIn(true)]);
  const count = options.sample ?? usualConversations;
  const runs = await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const word = `talk${options.round}n${n}`;
      const run = await ConversationRun.begin(stack, api, random.fork(word), { agent, word });
      if (n % 2 === 1) await startShortRuns(stack, run.id, turnsPerShortRun);
      return run;
    }),
  );
  const untilMs = options.seconds * 1000;
  const deadline = Date.now() + untilMs;
  const turns = () => runs.flatMap((run) => run.turns);
  const talks = runs.map((run) =>
    run
      .talk(() => Date.now() > deadline)
      .catch((error: unknown) => void run.findings.push(error instanceof Error ? error.message : String(error))),
  );
  const hits = await hitAtRandom(stack, random.fork('hits'), {
    targets: options.targets.length === 0 ? targets : options.targets,
    faults: options.faults.length === 0 ? faults : options.faults,
    untilMs,
    inFlight: () => turns().filter(({ ended }) => ended === null).length,
    say: options.say,
  });
  await Promise.all(talks);
  await stack.useStandIn(false);
  const findings = await judgeConversations(stack, runs);
  findings.push(...(await settleAndCheck(stack, stack.provider.log())));
  const counting = hits.filter(({ inFlight }) => inFlight > 0).length;
  if (counting === 0) findings.push('No hit met work that was under way: the round proves nothing');
  const continuations = await countContinuations(
    stack,
    runs.map(({ id }) => id),
  );
  const isDue = runs.some((run, n) => n % 2 === 1 && run.turns.length > turnsPerShortRun);
  if (isDue && continuations === 0) findings.push('No run of a conversation continued as new');
  const details = {
    conversations: runs.length,
    turns: turns().length,
    continuations,
    cancelled: turns().filter(({ ended }) => ended === 'cancelled').length,
    resets: turns().reduce((sum, { resets }) => sum + resets.length, 0),
    calls: await countCalls(stack, runs),
    hits,
  };
  options.say(`  ${JSON.stringify({ ...details, hits: hits.length })}`);
  return { rounds: 1, hits: counting, findings, details };
}
