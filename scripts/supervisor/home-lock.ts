import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { identifyProcess, isAlive } from '../../platform/embedded/process-identity.ts';
import type { ProcessIdentity } from '../../platform/embedded/process-identity.ts';
import { SetupFailure } from '../setup/setup-failure.mjs';
import { readRunFile } from './run-file.ts';

const longestStopMs = 12_000;

/**
 * Makes this process the only supervisor of the folder until the returned function is called. A lock whose owner is
 * dead is taken over, one whose owner is just stopping is waited for; otherwise throws a `SetupFailure`.
 */
export async function lockHome(home: string): Promise<() => void> {
  mkdirSync(home, { recursive: true });
  const file = path.join(home, 'supervisor.lock');
  const own = identifyProcess(process.pid);
  const candidate = `${file}.${process.pid}`;
  writeFileSync(candidate, JSON.stringify(own));
  try {
    const deadline = performance.now() + longestStopMs;
    while (!tryLink(candidate, file)) {
      const holder = readHolder(file);
      if (holder === null || !isAlive(holder)) removeStale(file, holder);
      else if (readRunFile(home)?.state === 'stopping' && performance.now() < deadline) await delay(100);
      else throw alreadyRunning(home, holder);
    }
  } finally {
    rmSync(candidate, { force: true });
  }
  return () => rmSync(file, { force: true });
}

/** A hard link appears whole or not at all, and never replaces a file. */
function tryLink(candidate: string, file: string): boolean {
  try {
    linkSync(candidate, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function readHolder(file: string): ProcessIdentity | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch {
    return null;
  }
}

/** Two starts may find the same dead owner: whoever moves the file away must see that it moved the dead one's. */
function removeStale(file: string, stale: ProcessIdentity | null): void {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  const moved = readHolder(aside);
  if (moved !== null && (moved.pid !== stale?.pid || moved.startedAt !== stale.startedAt)) tryLink(aside, file);
  rmSync(aside, { force: true });
}

function alreadyRunning(home: string, holder: ProcessIdentity): SetupFailure {
  const address = readRunFile(home)?.urls.api;
  return new SetupFailure(
    `Perdure already runs on ${home} (supervisor pid ${holder.pid}${address ? `, ${address}` : ''}). Use that one, stop it ` +
      `with Ctrl-C in its terminal or with "kill ${holder.pid}", or set PERDURE_HOME to another folder to run a second ` +
      'one beside it.',
  );
}
