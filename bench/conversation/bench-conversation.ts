import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { ApiClient } from '../../cli/api-client.ts';
import { followEvents } from '../../cli/event-stream.ts';
import { workflowIds } from '../../contracts/names/workflows.ts';
import type { BenchOptions } from '../harness/bench-options.ts';
import { withBenchStack } from '../harness/bench-stack.ts';
import { progress } from '../harness/progress.ts';
import type { Results } from '../harness/results.ts';
import { percentile } from '../harness/statistics.ts';
import { startProviderProcess } from '../turn/start-provider-process.ts';
import { TurnClient } from '../turn/turn-client.ts';
import { measureRows } from './measure-rows.ts';

const usualTurns = 10_000;
/** Turns at which the conversation is asked one by one. */
const stops = [1, 100, 1_000, 10_000];
const askedAtStop = 15;
/** Messages that wait in the queue between two stops. */
const ahead = 8;
/** Twenty tokens at once, and a window that the history outgrows after some hundred turns. */
const model = 'fake?tokens=20';
const contextWindow = 16_000;

/**
 * One conversation of `--turns` turns: what each costs in rows, in the workflow's history and in time, at the beginning and
 * after thousands of others.
 */
export async function benchConversation(results: Results, { turns = usualTurns }: BenchOptions): Promise<void> {
  await withBenchStack({ processes: ['postgres', 'temporal', 'api', 'worker'] }, async (stack) => {
    const provider = await startProviderProcess();
    const database = new pg.Client({ connectionString: String(stack.env.DATABASE_URL) });
    const connection = await Connection.connect({ address: String(stack.env.TEMPORAL_ADDRESS) });
    const stop = new AbortController();
    try {
      await database.connect();
      const key = (await readFile(path.join(stack.home, 'api-key'), 'utf8')).trim();
      const api = new ApiClient(String(stack.urls.api), key);
      const client = new TurnClient(String(stack.urls.api), key);
      const agent = await client.createAgent('long', model, provider.url, { contextWindow });
      const conversation = await client.createConversation(agent);
      const progressOf = watchEnds(api, conversation, stop.signal);
      let sent = 0;
      for (const [index, at] of [...stops.filter((place) => place < turns), turns].entries()) {
        const began = performance.now();
        const first = sent;
        const fill = Math.max(at - askedAtStop, 0);
        while (sent < fill) {
          await api.request(`/conversations/${conversation}/messages`, {
            method: 'POST',
            body: { content: 'What lasts?' },
            signal: stop.signal,
          });
          sent += 1;
          await progressOf.reached(sent - ahead);
        }
        await progressOf.reached(sent);
        if (sent > first) results.record(`turns_per_s.to${at}`, (sent - first) / ((performance.now() - began) / 1000));
        const asked = at === 1 ? 1 : askedAtStop;
        const timings = [];
        for (let turn = 0; turn < asked; turn += 1) timings.push(await client.ask(conversation));
        sent += asked;
        results.record(
          `turn.first_token_ms.at${at}.p50`,
          percentile(
            timings.map((one) => one.firstTokenMs),
            0.5,
          ),
        );
        results.record(
          `turn.total_ms.at${at}.p50`,
          percentile(
            timings.map((one) => one.totalMs),
            0.5,
          ),
        );
        await measureRows(results, database, { conversation, at: sent, label: `at${at}`, isFirst: index === 0 });
        progress(`${sent} turns`);
      }
      await progressOf.reached(sent);
      await measureHistory(results, new Client({ connection }), { conversation, turns: sent });
      results.note(
        `${sent} turns with a provider that answers at once; ${ahead} messages wait in the queue between the stops, where ` +
          `${askedAtStop} are asked one by one. The model's window is ${contextWindow} tokens.`,
      );
    } finally {
      stop.abort();
      await connection.close();
      await database.end();
      provider.stop();
    }
  });
}

/** Counts the turns that have ended, by the conversation's own stream of events. */
function watchEnds(
  api: ApiClient,
  conversation: string,
  signal: AbortSignal,
): { reached(turns: number): Promise<void> } {
  let ended = 0;
  let failure: Error | null = null;
  let wake = (): void => {};
  const watch = async (): Promise<void> => {
    for await (const { event } of followEvents(api, `/conversations/${conversation}/events`, {
      isFinal: () => false,
      signal,
    })) {
      if (event === 'error' || event === 'cancelled') throw new Error(`A turn ended with ${event}.`);
      if (event !== 'done') continue;
      ended += 1;
      wake();
    }
  };
  watch().catch((error: unknown) => {
    failure = error instanceof Error ? error : new Error(String(error));
    wake();
  });
  return {
    async reached(turns) {
      while (ended < turns) {
        if (failure !== null) throw failure;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}

async function measureHistory(
  results: Results,
  client: Client,
  { conversation, turns }: { conversation: string; turns: number },
): Promise<void> {
  const workflowId = workflowIds.conversation(conversation);
  const runs: { events: number; bytes: number }[] = [];
  for await (const run of client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
    const { historyLength: events, historySize: bytes } = await client.workflow
      .getHandle(workflowId, run.runId)
      .describe();
    runs.push({ events, bytes: bytes ?? 0 });
  }
  const sum = (of: (run: { events: number; bytes: number }) => number) => runs.reduce((all, run) => all + of(run), 0);
  results.record('history.runs', runs.length);
  results.record('history.events_per_turn', sum((run) => run.events) / turns);
  results.record('history.bytes_per_turn', sum((run) => run.bytes) / turns);
  results.record('history.longest_run.events', Math.max(...runs.map((run) => run.events)));
  results.record('history.longest_run.bytes', Math.max(...runs.map((run) => run.bytes)));
}
