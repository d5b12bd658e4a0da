import { fork, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Client, Connection, WithStartWorkflowOperation, type Workflow } from '@temporalio/client';
import OpenAI from 'openai';
import type { Stack } from '../../scripts/supervisor/stack.ts';
import { installPeers } from '../peers/install-peers.ts';
import { measureTurnPeers } from '../peers/measure-turn-peers.ts';
import type { BenchOptions } from '../harness/bench-options.ts';
import { withBenchStack } from '../harness/bench-stack.ts';
import { progress } from '../harness/progress.ts';
import type { Results } from '../harness/results.ts';
import { askBare, askBareWithTool, streamingModel, toolModel } from './bare-call.ts';
import { floorQueue } from './floor-worker.ts';
import { measureIdle } from './measure-idle.ts';
import { measureKills } from './measure-kills.ts';
import { readCpu, readFootprint, recordCpu, recordFootprint } from './measure-parts.ts';
import { measureStages } from './measure-stages.ts';
import { startProviderProcess } from './start-provider-process.ts';
import { noteSlowBareCalls, percentileOf, recordAdded } from './timings.ts';
import { TurnClient, type Timing, type TurnTiming } from './turn-client.ts';

const rounds = 3;
const sequentialTurns = 30;
const toolTurns = 15;
const parallel = 20;
const wavesAt20 = 4;
const throughputMs = 8_000;
/** Twenty tokens at once: what is left is the product's own work. */
const instantModel = 'fake?tokens=20';

/** Long enough to be killed in the middle. */
const slowModel = 'fake?firstTokenMs=20&tokenMs=10&tokens=400';

type Run = {
  stack: Stack;
  results: Results;
  client: TurnClient;
  openai: OpenAI;
  temporal: Client;
  providerUrl: string;
};

/**
 * Turns over HTTP against a bare `openai` call to the same provider, and against Temporal alone, in the same run; with
 * `--peers` also against other durable ways to serve a turn, with `--idle` with 5,000 conversations that rest.
 */
export async function benchTurn(results: Results, { peers, idle, check }: BenchOptions): Promise<void> {
  if (peers) await installPeers();
  await withBenchStack({ processes: ['postgres', 'temporal', 'api', 'worker'] }, async (stack) => {
    const provider = await startProviderProcess();
    const floor = await startFloorWorker(stack, provider.url);
    try {
      const key = (await readFile(path.join(stack.home, 'api-key'), 'utf8')).trim();
      const client = new TurnClient(String(stack.urls.api), key);
      const openai = new OpenAI({ baseURL: provider.url, apiKey: 'bench', maxRetries: 0 });
      const connection = await Connection.connect({ address: String(stack.env.TEMPORAL_ADDRESS) });
      const temporal = new Client({ connection });
      const run: Run = { stack, results, client, openai, temporal, providerUrl: provider.url };
      const agentOf = (name: string, model: string) => client.createAgent(name, model, provider.url);
      const conversations = await openConversations(client, await agentOf('bench', streamingModel));
      const instant = await agentOf('instant', instantModel);
      const quick = await openConversations(client, instant);
      const tooled = await client.createAgent('tool', toolModel, provider.url, { supportsTools: true }, true);
      const withTool = await client.createConversation(tooled);
      await client.ask(withTool);
      const ask = floorAsk(temporal);
      for (let round = 1; round <= rounds; round += 1) {
        progress(`round ${round} of ${rounds}`);
        await measureSequential(run, conversations[0] as string);
        await measureTool(run, withTool);
        await measureParallel(run, conversations);
        const updates = await perSecond((n) => ask(n, instantModel));
        const before = await readCpu(stack, provider.pid);
        const turns = await perSecond((n) => client.ask(quick[n] as string));
        const limiting = recordCpu(results, '.at20', before, await readCpu(stack, provider.pid), turns.calls);
        results.record('turns_per_s.at20', turns.perSecond);
        results.record('bare_updates_per_s.at20', updates.perSecond);
        results.record('ratio_to_bare_updates.at20', turns.perSecond / updates.perSecond);
        if (round === rounds) results.note(`What limits turns a second with 20 callers: ${limiting}.`);
      }
      noteSlowBareCalls(results, check);
      if (peers) await measureTurnPeers(results, { stack, bare: () => askBare(openai), providerUrl: provider.url });
      if (idle) await measureIdle(results, { stack, client, agent: instant });
      const slow = await client.createConversation(await agentOf('slow', slowModel));
      await measureKills(results, { stack, client, conversation: slow });
      await connection.close();
      results.note(
        `${sequentialTurns} turns one after the other, ${toolTurns} with one tool and ${wavesAt20} waves of ${parallel} at once ` +
          'a round; the provider sends its first token after 20 ms and 100 tokens 5 ms apart. Throughput is with a provider ' +
          'that answers at once.',
      );
    } finally {
      floor.disconnect();
      provider.stop();
    }
  });
}

async function openConversations(client: TurnClient, agent: string): Promise<string[]> {
  const ids = await Promise.all(Array.from({ length: parallel }, () => client.createConversation(agent)));
  // The first turn starts the entity; what is measured is a conversation that is under way.
  await Promise.all(ids.map((id) => client.ask(id)));
  return ids;
}

async function measureSequential(run: Run, conversation: string): Promise<void> {
  const { results, client, openai, stack, temporal } = run;
  const bare: Timing[] = [];
  const turns: TurnTiming[] = [];
  const before = await readFootprint(stack, temporal, conversation);
  // Alternating, so that the machine's drift meets both alike.
  for (let n = 0; n < sequentialTurns; n += 1) {
    bare.push(await askBare(openai));
    turns.push(await client.ask(conversation));
  }
  recordAdded(results, '', bare, turns);
  recordFootprint(results, before, await readFootprint(stack, temporal, conversation), sequentialTurns);
  await measureStages(results, '', turns, run);
}

/** Turns in which the model asks for the time first, against two bare calls and no tool at all. */
async function measureTool({ results, client, openai }: Run, conversation: string): Promise<void> {
  const bare: Timing[] = [];
  const turns: Timing[] = [];
  for (let n = 0; n < toolTurns; n += 1) {
    bare.push(await askBareWithTool(openai));
    turns.push(await client.ask(conversation));
  }
  for (const [name, of] of [['first_token_ms', 'firstTokenMs'] as const, ['total_ms', 'totalMs'] as const])
    results.record(`added.one_tool.${name}.p50`, percentileOf(turns, of, 0.5) - percentileOf(bare, of, 0.5));
}

async function measureParallel(run: Run, conversations: readonly string[]): Promise<void> {
  const { results, client, openai } = run;
  const bare: Timing[] = [];
  const turns: TurnTiming[] = [];
  for (let wave = 0; wave < wavesAt20; wave += 1) {
    bare.push(...(await Promise.all(conversations.map(() => askBare(openai)))));
    turns.push(...(await Promise.all(conversations.map((id) => client.ask(id)))));
  }
  recordAdded(results, '.at20', bare, turns);
  await measureStages(results, '.at20', turns, run);
}

/** Calls a second while `parallel` callers each begin the next call when the last one has ended. */
async function perSecond(call: (caller: number) => Promise<unknown>): Promise<{ perSecond: number; calls: number }> {
  const began = performance.now();
  let calls = 0;
  await Promise.all(
    Array.from({ length: parallel }, async (_, caller) => {
      while (performance.now() - began < throughputMs) {
        await call(caller);
        calls += 1;
      }
    }),
  );
  return { perSecond: calls / ((performance.now() - began) / 1000), calls };
}

async function startFloorWorker(stack: Stack, providerUrl: string): Promise<ChildProcess> {
  const worker = fork(new URL('./floor-worker.ts', import.meta.url), {
    env: { ...stack.env, BENCH_PROVIDER_URL: providerUrl },
    // Temporal's own log lines are not results.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve());
    worker.once('exit', (code) => reject(new Error(`The worker of the floor ended with ${code}.`)));
  });
  return worker;
}

function floorAsk(client: Client): (caller: number, model: string) => Promise<unknown> {
  return (caller, model) =>
    client.workflow.executeUpdateWithStart('ask', {
      args: [model],
      startWorkflowOperation: new WithStartWorkflowOperation<Workflow>('floor', {
        workflowId: `floor/${caller}`,
        taskQueue: floorQueue,
        args: [],
        workflowIdConflictPolicy: 'USE_EXISTING',
      }),
    });
}
