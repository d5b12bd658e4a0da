import { fork, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Client, Connection, WithStartWorkflowOperation, type Workflow } from '@temporalio/client';
import OpenAI from 'openai';
import type { Stack } from '../../scripts/supervisor/stack.ts';
import { installPeers } from '../peers/install-peers.ts';
import { measureTurnPeers } from '../peers/measure-turn-peers.ts';
import { askBare, streamingModel } from './bare-call.ts';
import { startProviderProcess } from './start-provider-process.ts';
import type { BenchOptions } from '../harness/bench-options.ts';
import { withBenchStack } from '../harness/bench-stack.ts';
import { progress } from '../harness/progress.ts';
import type { Results } from '../harness/results.ts';
import { percentile } from '../harness/statistics.ts';
import { floorQueue } from './floor-worker.ts';
import { TurnClient, type Timing } from './turn-client.ts';

const rounds = 3;
const sequentialTurns = 30;
const parallel = 20;
const wavesAt20 = 4;
const throughputMs = 8_000;
/** Twenty tokens at once: what is left is the product's own work. */
const instantModel = 'fake?tokens=20';

/** Long enough to be killed in the middle. */
const slowModel = 'fake?firstTokenMs=20&tokenMs=10&tokens=400';
const kills = 3;

/**
 * Turns over HTTP against a bare `openai` call to the same provider, and against Temporal alone, in the same run; with
 * `--peers` also against other durable ways to serve a turn.
 */
export async function benchTurn(results: Results, { peers }: BenchOptions): Promise<void> {
  if (peers) await installPeers();
  await withBenchStack({ processes: ['postgres', 'temporal', 'api', 'worker'] }, async (stack) => {
    const provider = await startProviderProcess();
    const floor = await startFloorWorker(stack, provider.url);
    try {
      const key = (await readFile(path.join(stack.home, 'api-key'), 'utf8')).trim();
      const client = new TurnClient(String(stack.urls.api), key);
      const openai = new OpenAI({ baseURL: provider.url, apiKey: 'bench', maxRetries: 0 });
      const agent = await client.createAgent('bench', streamingModel, provider.url);
      const instant = await client.createAgent('instant', instantModel, provider.url);
      const conversations = await openConversations(client, agent);
      const quick = await openConversations(client, instant);
      const ask = await floorAsk(stack);
      for (let round = 1; round <= rounds; round += 1) {
        progress(`round ${round} of ${rounds}`);
        await measureSequential(results, openai, client, conversations[0] as string);
        await measureParallel(results, openai, client, conversations);
        const updates = await perSecond((n) => ask(n, instantModel));
        const turns = await perSecond((n) => client.ask(quick[n] as string));
        results.record('turns_per_s.at20', turns);
        results.record('bare_updates_per_s.at20', updates);
        results.record('ratio_to_bare_updates.at20', turns / updates);
      }
      if (peers) await measureTurnPeers(results, { stack, bare: () => askBare(openai), providerUrl: provider.url });
      progress('worker killed in mid-stream');
      const slow = await client.createConversation(await client.createAgent('slow', slowModel, provider.url));
      for (let kill = 0; kill < kills; kill += 1) {
        const worker = stack.processes.worker;
        if (!worker) throw new Error('The stack has no worker.');
        results.record('killed_worker.resume_s', await client.askThrough(slow, () => worker.kill('SIGKILL')));
        await worker.untilReady();
      }
      results.note(
        `${sequentialTurns} turns one after the other and ${wavesAt20} waves of ${parallel} at once a round; the provider ` +
          'sends its first token after 20 ms and 100 tokens 5 ms apart. Throughput is with a provider that answers at once.',
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

async function measureSequential(
  results: Results,
  openai: OpenAI,
  client: TurnClient,
  conversation: string,
): Promise<void> {
  const bare: Timing[] = [];
  const turns: Timing[] = [];
  // Alternating, so that the machine's drift meets both alike.
  for (let n = 0; n < sequentialTurns; n += 1) {
    bare.push(await askBare(openai));
    turns.push(await client.ask(conversation));
  }
  recordAdded(results, '', bare, turns);
}

async function measureParallel(
  results: Results,
  openai: OpenAI,
  client: TurnClient,
  conversations: readonly string[],
): Promise<void> {
  const bare: Timing[] = [];
  const turns: Timing[] = [];
  for (let wave = 0; wave < wavesAt20; wave += 1) {
    bare.push(...(await Promise.all(conversations.map(() => askBare(openai)))));
    turns.push(...(await Promise.all(conversations.map((id) => client.ask(id)))));
  }
  recordAdded(results, '.at20', bare, turns);
}

function recordAdded(results: Results, suffix: string, bare: readonly Timing[], turns: readonly Timing[]): void {
  const first = (timings: readonly Timing[], p: number) =>
    percentile(
      timings.map((timing) => timing.firstTokenMs),
      p,
    );
  const total = (timings: readonly Timing[], p: number) =>
    percentile(
      timings.map((timing) => timing.totalMs),
      p,
    );
  results.record(`bare.first_token_ms${suffix}.p50`, first(bare, 0.5));
  results.record(`bare.total_ms${suffix}.p50`, total(bare, 0.5));
  results.record(`added.first_token_ms${suffix}.p50`, first(turns, 0.5) - first(bare, 0.5));
  results.record(`added.first_token_ms${suffix}.p95`, first(turns, 0.95) - first(bare, 0.95));
  results.record(`added.total_ms${suffix}.p50`, total(turns, 0.5) - total(bare, 0.5));
}

/** Calls a second while `parallel` callers each begin the next call when the last one has ended. */
async function perSecond(call: (caller: number) => Promise<unknown>): Promise<number> {
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
  return calls / ((performance.now() - began) / 1000);
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

async function floorAsk(stack: Stack): Promise<(caller: number, model: string) => Promise<unknown>> {
  const connection = await Connection.connect({ address: String(stack.env.TEMPORAL_ADDRESS) });
  const client = new Client({ connection });
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
