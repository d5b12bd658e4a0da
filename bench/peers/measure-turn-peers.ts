import type { Stack } from '../../scripts/supervisor/stack.ts';
import { progress } from '../harness/progress.ts';
import type { Results } from '../harness/results.ts';
import { percentile } from '../harness/statistics.ts';
import { asLogin } from '../ingest/base-database.ts';
import { streamingModel } from '../turn/bare-call.ts';
import type { Timing } from '../turn/turn-client.ts';
import { PeerProcess } from './peer-process.ts';
import type { TurnOrder, TurnReady } from './turn-order.ts';

const sequentialTurns = 30;
const parallel = 20;
const waves = 4;

/** Each with its variant of durability or of streaming, as its guide has it first. */
const turnPeers = [
  { name: 'langgraph', program: 'langgraph-turn', variant: 'async' },
  { name: 'langgraph_sync', program: 'langgraph-turn', variant: 'sync' },
  { name: 'mastra', program: 'mastra-turn', variant: '' },
  { name: 'dbos', program: 'dbos-turn', variant: 'memory' },
  { name: 'dbos_stored_stream', program: 'dbos-turn', variant: 'stream' },
  { name: 'temporal', program: 'temporal-turn', variant: '' },
] as const;

/** What each peer adds to the bare call, alone and with 20 callers, in running conversations over HTTP. */
export async function measureTurnPeers(
  results: Results,
  { stack, bare, providerUrl }: { stack: Stack; bare: () => Promise<Timing>; providerUrl: string },
): Promise<void> {
  for (const { name, program, variant } of turnPeers) {
    await asLogin(stack, 'postgres', (client) => client.query(`create database peer_${name}`));
    const databaseUrl = new URL(stack.env.DATABASE_URL!);
    databaseUrl.pathname = `/peer_${name}`;
    const order: TurnOrder = {
      databaseUrl: databaseUrl.href,
      providerUrl,
      temporalAddress: String(stack.env.TEMPORAL_ADDRESS),
      model: streamingModel,
      variant,
    };
    // Nothing that a peer would like to tell its makers.
    const env = { ...process.env, MASTRA_TELEMETRY_DISABLED: '1', LANGSMITH_TRACING: 'false' };
    const peer = await PeerProcess.start<TurnReady, never>(program, [JSON.stringify(order)], env);
    try {
      const ask = (conversation: number) => askPeer(peer.ready.url, `${name}-${conversation}`);
      await measureTurns(results, name, bare, ask);
    } catch (error) {
      throw new Error(`${name} failed: ${peer.errors()}`, { cause: error });
    } finally {
      peer.kill();
    }
  }
}

async function measureTurns(
  results: Results,
  name: string,
  bare: () => Promise<Timing>,
  ask: (conversation: number) => Promise<Timing>,
): Promise<void> {
  const callers = Array.from({ length: parallel }, (_, n) => n);
  // The first turns make tables and compile what is run often.
  await ask(0);
  for (let warmUp = 0; warmUp < 2; warmUp++) await Promise.all(callers.map(ask));
  const alone: Timings = { bare: [], turns: [] };
  for (let n = 0; n < sequentialTurns; n++) {
    alone.bare.push(await bare());
    alone.turns.push(await ask(0));
  }
  const together: Timings = { bare: [], turns: [] };
  for (let wave = 0; wave < waves; wave++) {
    together.bare.push(...(await Promise.all(callers.map(bare))));
    together.turns.push(...(await Promise.all(callers.map(ask))));
  }
  for (const [suffix, timings] of [['', alone] as const, ['.at20', together] as const]) {
    const added = (of: keyof Timing) => middle(timings.turns, of) - middle(timings.bare, of);
    results.record(`peers.${name}.added.first_token_ms${suffix}.p50`, added('firstTokenMs'));
    results.record(`peers.${name}.added.total_ms${suffix}.p50`, added('totalMs'));
    progress(
      `${name}${suffix}: first token +${added('firstTokenMs').toFixed(1)} ms, total +${added('totalMs').toFixed(1)} ms`,
    );
  }
}

interface Timings {
  bare: Timing[];
  turns: Timing[];
}

const middle = (timings: readonly Timing[], of: keyof Timing): number =>
  percentile(
    timings.map((timing) => timing[of]),
    0.5,
  );

async function askPeer(url: string, conversation: string): Promise<Timing> {
  const began = performance.now();
  const response = await fetch(url, { method: 'POST', body: JSON.stringify({ conversation, content: 'What lasts?' }) });
  let firstTokenMs: number | null = null;
  for await (const _ of response.body!) firstTokenMs ??= performance.now() - began;
  if (firstTokenMs === null) throw new Error('The answer was empty.');
  return { firstTokenMs, totalMs: performance.now() - began };
}
