import type { Client } from '@temporalio/client';
import type { Stack } from '../../scripts/supervisor/stack.ts';
import { readCpuSeconds } from '../harness/cpu-time.ts';
import type { Results } from '../harness/results.ts';
import { asLogin } from '../ingest/base-database.ts';

/** Seconds of processor time by part of the stack, the provider and the client of the bench besides. */
export type Cpu = Record<string, number>;

/** Reads the processor time that every part has used so far. */
export async function readCpu(stack: Stack, providerPid: number): Promise<Cpu> {
  const parts = Object.entries(stack.processes).map(([name, { pid }]) => [name, pid] as const);
  const { user, system } = process.cpuUsage();
  const cpu: Cpu = { client: (user + system) / 1e6 };
  for (const [name, pid] of [...parts, ['provider', providerPid] as const])
    if (pid !== null) cpu[name] = await readCpuSeconds(pid);
  return cpu;
}

/** Records what each part of the machine took for one of `turns`, and names the one that takes most of it. */
export function recordCpu(results: Results, suffix: string, before: Cpu, after: Cpu, turns: number): string {
  const costs = Object.entries(after).map(
    ([part, seconds]) => [part, ((seconds - (before[part] ?? 0)) * 1000) / turns] as const,
  );
  const sum = costs.reduce((total, [, cost]) => total + cost, 0);
  for (const [part, cost] of costs) results.record(`cpu_ms_per_turn${suffix}.${part}`, cost);
  const [part = '', cost = 0] = costs.toSorted(([, a], [, b]) => b - a)[0] ?? [];
  results.record(`limiting_share${suffix}`, cost / sum);
  return `${part} (${Math.round((cost / sum) * 100)} % of ${sum.toFixed(1)} ms of processor time a turn)`;
}

/** Size of a conversation's history, and of its rows with their indexes. */
export type Footprint = { events: number; historyBytes: number; databaseBytes: number };

const tables = [
  ...['messages', 'turns', 'turn_steps', 'turn_events', 'usage_metrics', 'tool_calls', 'citations', 'conversations'],
];

/** Reads the footprint of a conversation's workflow and of the tables of conversations. */
export async function readFootprint(stack: Stack, temporal: Client, conversation: string): Promise<Footprint> {
  const { raw, historyLength } = await temporal.workflow.getHandle(`conversation/${conversation}`).describe();
  const databaseBytes = await asLogin(stack, 'perdure', async (client) => {
    const { rows } = await client.query<{ bytes: string }>(
      'select sum(pg_total_relation_size(name::regclass)) as bytes from unnest($1::text[]) as name',
      [tables],
    );
    return Number(rows[0]?.bytes);
  });
  return { events: historyLength, historyBytes: Number(raw.workflowExecutionInfo?.historySizeBytes), databaseBytes };
}

/** Records what a turn of `turns` in one conversation has left behind. */
export function recordFootprint(results: Results, before: Footprint, after: Footprint, turns: number): void {
  results.record('history.events_per_turn', (after.events - before.events) / turns);
  results.record('history.bytes_per_turn', (after.historyBytes - before.historyBytes) / turns);
  results.record('database.bytes_per_turn', (after.databaseBytes - before.databaseBytes) / turns);
}
