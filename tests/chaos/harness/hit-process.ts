import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { readRunFile } from '../../../scripts/supervisor/run-file.ts';
import type { Fault, Target } from './scenario.ts';

/** Longer than every heartbeat time-out, so that work is handed to another attempt while this one is frozen. */
export const freezeMs = 13_000;

/**
 * Hits a process of the stack that runs in `home`. A frozen one is released after `freezeMs`; of PostgreSQL all backends
 * are frozen with the postmaster. Resolves when the fault is over (the supervisor restarts what was killed).
 * Returns null when there was no such process at that moment, as after a hit a moment ago.
 */
export async function hitProcess(home: string, target: Target, fault: Fault): Promise<number | null> {
  const pid = readRunFile(home)?.processes[target]?.identity?.pid;
  if (pid === undefined) return null;
  if (fault === 'kill') return signal(pid, 'SIGKILL') ? pid : null;
  const family = target === 'postgres' ? [pid, ...childrenOf(pid)] : [pid];
  if (!signal(pid, 'SIGSTOP')) return null;
  for (const child of family.slice(1)) signal(child, 'SIGSTOP');
  await sleep(freezeMs);
  for (const member of family) signal(member, 'SIGCONT');
  return pid;
}

/** Whether the supervisor says that the process runs and serves. */
export function isUp(home: string, target: Target): boolean {
  return readRunFile(home)?.processes[target]?.state === 'ready';
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

function childrenOf(pid: number): number[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  return table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child, parent]) => (parent === pid && child !== undefined ? [child] : []));
}
