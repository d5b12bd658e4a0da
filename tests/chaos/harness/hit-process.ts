import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { readRunFile } from '../../../scripts/supervisor/run-file.ts';
import type { Target } from './scenario.ts';

/** Longer than every heartbeat time-out, so that work is handed to another attempt while this one is frozen. */
export const freezeMs = 13_000;

/**
 * Kills a process of the stack that runs in `home` (its supervisor starts it again) and resolves with its pid once it is
 * gone. Null when there was no such process at that moment, as after a hit a moment ago.
 */
export async function killProcess(home: string, target: Target): Promise<number | null> {
  const pid = pidOf(home, target);
  if (pid === null || !signal(pid, 'SIGKILL')) return null;
  while (pidOf(home, target) === pid) await sleep(5);
  return pid;
}

/**
 * Freezes a process, and returns what thaws it; of PostgreSQL all backends are frozen with the postmaster. Null when
 * there was no such process at that moment.
 */
export function thawLater(home: string, target: Target): (() => number) | null {
  const pid = pidOf(home, target);
  if (pid === null || !signal(pid, 'SIGSTOP')) return null;
  const family = target === 'postgres' ? [pid, ...childrenOf(pid)] : [pid];
  for (const child of family.slice(1)) signal(child, 'SIGSTOP');
  return () => {
    for (const member of family) signal(member, 'SIGCONT');
    return pid;
  };
}

/** Ends a process politely, as a deploy does, and resolves once its successor serves. */
export async function restartProcess(home: string, target: Target): Promise<void> {
  const pid = pidOf(home, target);
  if (pid !== null) signal(pid, 'SIGTERM');
  while (pidOf(home, target) === pid || !isUp(home, target)) await sleep(20);
}

/** Whether the supervisor says that the process runs and serves. */
export function isUp(home: string, target: Target): boolean {
  return readRunFile(home)?.processes[target]?.state === 'ready';
}

function pidOf(home: string, target: Target): number | null {
  return readRunFile(home)?.processes[target]?.identity?.pid ?? null;
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
