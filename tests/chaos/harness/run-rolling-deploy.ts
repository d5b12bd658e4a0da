import { setTimeout as sleep } from 'node:timers/promises';
import type { temporal } from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import { workflowIds } from '../../../contracts/names/workflows.ts';
import { ConversationRun } from './conversation-run.ts';
import type { Decision, Watching, WatchedTurn } from './conversation-run.ts';
import { countCalls, judgeConversations } from './judge-conversations.ts';
import { bundleNextVersion, nextVersionPatch } from './next-version.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import type { Findings } from './round-context.ts';
import type { ScenarioOptions, ScenarioReport } from './scenario.ts';
import type { SeededRandom } from './seeded-random.ts';
import { settleAndCheck } from './settle-and-check.ts';
import { prepareStreamingAgent, prepareTurnWorkspace, turnTools } from './turn-workspace.ts';

const usualConversations = 24;
const processes = ['worker', 'api', 'stand-in', 'second-api'] as const;
const patienceMs = 60_000;
// About ten seconds, so that replacements meet them.
const streamedTokens = 400;

type Open = {
  run: ConversationRun;
  watched: Promise<unknown>;
  /** Resolves once the turn is where the deploy shall meet it. */
  isOpen: Promise<void>;
};

/**
 * Replaces two workers and two APIs one after the other by a next version of the workflows while conversations stream,
 * wait for approval, and have messages queued. Half of the approvals come while both versions run.
 */
export async function runRollingDeploy(
  stack: ProxiedStack,
  random: SeededRandom,
  options: ScenarioOptions,
): Promise<ScenarioReport> {
  const agents = {
    tools: await prepareTurnWorkspace(stack, turnTools),
    stream: await prepareStreamingAgent(stack, streamedTokens),
  };
  const [api, next] = await Promise.all([
    stack.useReplicas(),
    bundleNextVersion(stack.makeFolder('next')),
    stack.useStandIn(true),
  ]);
  const stage = { mixed: latch(), done: latch() };
  const open = await Promise.all(
    Array.from({ length: options.sample ?? usualConversations }, async (_, n): Promise<Open> => {
      const kind = (['stream', 'wait', 'queue'] as const)[n % 3]!;
      const word = `deploy${options.round}n${n}`;
      const agent = kind === 'stream' ? agents.stream : agents.tools;
      const run = await ConversationRun.begin(stack, api, random.fork(word), { agent, word });
      const decided = n % 2 === 0 ? stage.mixed : stage.done;
      return openConversation(run, kind, async () => {
        await decided.opened;
        return n % 4 === 1 ? 'deny' : 'approve';
      });
    }),
  );
  for (const { run, watched } of open)
    watched.catch((error: unknown) => void run.findings.push(error instanceof Error ? error.message : String(error)));
  const findings: Findings = [];
  await Promise.race([Promise.all(open.map(({ isOpen }) => isOpen)), sleep(patienceMs)]);
  const underWay = unended(open);

  const replaced: Array<{ process: string; tookMs: number; underWay: number }> = [];
  for (const process of processes) {
    const began = Date.now();
    const before = unended(open);
    await stack.replace(process, { PERDURE_WORKFLOW_BUNDLE: next });
    replaced.push({ process, tookMs: Date.now() - began, underWay: before });
    options.say(`  replaced ${process} in ${Date.now() - began} ms with ${before} turns under way`);
    // From now on both versions take work.
    if (process === 'worker') stage.mixed.open();
  }
  stage.done.open();
  await Promise.allSettled(open.map(({ watched }) => watched));
  const runs = open.map(({ run }) => run);
  // A turn that only the next version has served.
  await Promise.all(runs.map(async (run) => run.watch(await run.send(), approving())));

  findings.push(...(await judgeConversations(stack, runs)));
  findings.push(...(await settleAndCheck(stack, stack.provider.log())));
  const histories = await judgeHistories(stack, runs, next);
  findings.push(...histories.findings);
  const turns = runs.flatMap((run) => run.turns);
  if (underWay < runs.length) findings.push(`Only ${underWay} turns of ${runs.length} conversations met the deploy`);
  const details = {
    conversations: runs.length,
    turns: turns.length,
    resets: turns.reduce((sum, { resets }) => sum + resets.length, 0),
    failedTasks: histories.failedTasks,
    calls: await countCalls(stack, runs),
    replaced,
  };
  options.say(`  ${JSON.stringify(details)}`);
  return { rounds: 1, hits: replaced.filter((one) => one.underWay > 0).length, findings, details };
}

async function openConversation(
  run: ConversationRun,
  kind: 'stream' | 'wait' | 'queue',
  decide: () => Promise<Decision>,
): Promise<Open> {
  const opened = latch();
  const begins = kind === 'stream' ? 'text_delta' : 'approval_required';
  const onEvent: Watching['onEvent'] = (event) => {
    if (event.kind === begins) opened.open();
  };
  const first = await run.send();
  const queued: WatchedTurn[] = kind === 'queue' ? [await run.send(), await run.send()] : [];
  const watched = Promise.all([
    run.watch(first, { dropAfter: null, decide, onEvent }),
    ...queued.map((turn) => run.watch(turn, approving())),
  ]);
  return { run, watched, isOpen: opened.opened };
}

const approving = (): Watching => ({ dropAfter: null, decide: () => Promise.resolve('approve') });

function unended(open: readonly Open[]): number {
  return open.flatMap(({ run }) => run.turns).filter(({ ended }) => ended === null).length;
}

function latch(): { opened: Promise<void>; open(): void } {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

/** Each conversation was served by both versions, nothing of it is stuck, and its history replays with the next one. */
async function judgeHistories(
  stack: ProxiedStack,
  runs: readonly ConversationRun[],
  codePath: string,
): Promise<{ findings: Findings; failedTasks: number }> {
  const findings: Findings = [];
  const histories: Array<{ workflowId: string; history: temporal.api.history.v1.IHistory }> = [];
  let failedTasks = 0;
  for (const { id } of runs) {
    const workflowId = workflowIds.conversation(id);
    const history = await stack.temporal.workflow.getHandle(workflowId).fetchHistory();
    histories.push({ workflowId, history });
    const events = history.events ?? [];
    failedTasks += events.filter(({ workflowTaskFailedEventAttributes: failed }) => failed).length;
    const markers = events.flatMap(({ markerRecordedEventAttributes: marker }) => (marker ? [marker] : []));
    const isPatched = markers.some(({ details }) =>
      Object.values(details ?? {}).some(({ payloads }) =>
        payloads?.some(({ data }) => Buffer.from(data ?? []).includes(nextVersionPatch)),
      ),
    );
    if (!isPatched) findings.push(`${workflowId} was not served by the next version`);
  }
  const replayed = Worker.runReplayHistories(
    { workflowBundle: { codePath }, sinks: { trace: { span: { fn: () => {} } } } },
    histories,
  );
  for await (const { workflowId, error } of replayed)
    if (error) findings.push(`${workflowId} does not replay: ${error.message}`);
  return { findings, failedTasks };
}
