import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { reserveFreePort } from '../../platform/embedded/free-port.ts';
import { checkout } from '../../scripts/setup/installation.mjs';
import { readRunFile } from '../../scripts/supervisor/run-file.ts';
import { progress } from '../harness/progress.ts';
import type { Results } from '../harness/results.ts';
import { diskUsage } from './disk-usage.ts';
import { NpmStart } from './npm-start.ts';
import { readTreeMemory } from './process-memory.ts';
import type { ProcessMemory } from './process-memory.ts';

const run = promisify(execFile);
const warmStarts = 3;
// What starting left to be done is done by then.
const restMs = 8_000;
/** As the sample prints a citation: `  [1] docs/operations.md: "…"`. */
const citation = /^\s+\[\d+\] \S.*: "/;
const ready = /^Perdure is ready/;

/** The first start of a fresh clone and the starts after it: time, memory, disk. */
export async function benchStart(results: Results): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'perdure-bench-start-'));
  try {
    const clone = path.join(folder, 'perdure');
    await run('git', ['clone', '--quiet', '--no-hardlinks', checkout, clone]);
    const { stdout: revision } = await run('git', ['-C', clone, 'rev-parse', '--short', 'HEAD']);
    await measureFirst(results, clone);
    const home = path.join(clone, '.perdure');
    const modules = path.join(clone, 'node_modules');
    const servers = [path.join(home, 'cache'), path.join(home, 'models')];
    results.record('installed_mb', await diskUsage([modules, ...servers]));
    results.record('installed.node_modules_mb', await diskUsage([modules]));
    results.record('installed.servers_and_model_mb', await diskUsage(servers));
    for (let round = 1; round <= warmStarts; round++) await measureWarm(results, clone, round);
    results.note(
      `A clone of ${revision.trim()}; npm's and pip's caches as they were, so cold_s depends on what they held and on the network.`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureFirst(results: Results, clone: string): Promise<void> {
  await whileStarted(results, clone, async (start) => {
    const cited = await start.until(citation);
    results.record('cold_s', cited);
    results.record('cold.ingesting_s', await start.until(/^Ingesting the/));
    results.record('cold.asking_s', await start.until(/^Asking the agent/));
    progress(`cold start: first cited answer after ${cited.toFixed(1)} s`);
    tellPrinted(start);
    await start.until(ready);
    await sleep(restMs);
    recordMemory(results, 'idle_rss_mb', clone, await readTreeMemory(start.pid), 'idle.');
  });
}

async function measureWarm(results: Results, clone: string, round: number): Promise<void> {
  await whileStarted(results, clone, async (start) => {
    const seconds = await start.until(ready);
    results.record('warm_s', seconds);
    if (round === 1) tellPrinted(start);
    progress(`warm start ${round} of ${warmStarts}: ready after ${seconds.toFixed(1)} s`);
    if (round === warmStarts) {
      await sleep(restMs);
      recordMemory(results, 'warm.idle_rss_mb', clone, await readTreeMemory(start.pid), null);
    }
  });
}

/** Where the time went, for whoever looks into a slow start. */
function tellPrinted(start: NpmStart): void {
  for (const { text, seconds } of start.printed()) progress(`  ${seconds.toFixed(1)} s  ${text.slice(0, 110)}`);
}

async function whileStarted(results: Results, clone: string, work: (start: NpmStart) => Promise<void>): Promise<void> {
  const reserved = await reserveFreePort(27_600);
  await reserved.release();
  const start = new NpmStart(clone, reserved.port);
  try {
    await work(start);
  } finally {
    results.record('stop_s', await start.stop());
  }
}

/** The sum, and with a prefix each process's share under the name that `run.json` gives it. */
function recordMemory(
  results: Results,
  metric: string,
  clone: string,
  tree: readonly ProcessMemory[],
  prefix: string | null,
): void {
  const total = tree.reduce((sum, { megabytes }) => sum + megabytes, 0);
  results.record(metric, total);
  progress(`${metric} ${total.toFixed(0)} in ${tree.length} processes`);
  if (prefix === null) return;
  const names = Object.entries(readRunFile(path.join(clone, '.perdure'))?.processes ?? {});
  const shares = new Map<string, number>();
  for (const { pid, command, megabytes } of tree) {
    const listed = names.find(([, entry]) => entry.identity?.pid === pid)?.[0];
    const name = listed ?? (/postgres/.test(command) ? 'postgres' : 'npm_and_supervisor');
    shares.set(name, (shares.get(name) ?? 0) + megabytes);
    progress(`  ${megabytes.toFixed(0).padStart(4)} MB  ${name}  ${command.slice(0, 90)}`);
  }
  for (const [name, share] of shares) results.record(`${prefix}${name}_mb`, share);
}
