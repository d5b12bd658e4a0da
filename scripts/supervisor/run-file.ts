import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ProcessIdentity } from '../../platform/embedded/process-identity.ts';
import type { ProcessState } from './managed-process.ts';

/** The processes that a stack may consist of, in the order in which they are started. */
export const processNames = ['postgres', 'temporal', 'api', 'worker'] as const;
export type ProcessName = (typeof processNames)[number];

/** Ports of the loopback address; null where the user's own server is used or the process is not part of the stack. */
export interface StackPorts {
  postgres: number | null;
  temporal: number | null;
  temporalUi: number | null;
  workerMetrics: number | null;
  api: number | null;
}

/** What is found in `run.json`: the state of a stack for the command line, tests and the next supervisor. */
export interface RunFile {
  state: 'starting' | 'ready' | 'stopping' | 'stopped';
  home: string;
  supervisor: ProcessIdentity;
  processes: Partial<
    Record<ProcessName, { identity: ProcessIdentity | null; state: ProcessState; restarts: number; logFile: string }>
  >;
  ports: StackPorts;
  urls: {
    api: string | null;
    docs: string | null;
    temporal: string | null;
    temporalUi: string | null;
    /** Holds the generated password, which is why the file is readable by its owner alone; null for a DATABASE_URL of the user's. */
    database: string | null;
  };
}

/** The last state written in this home; null if there is none that can be read. */
export function readRunFile(home: string): RunFile | null {
  try {
    return JSON.parse(readFileSync(path.join(home, 'run.json'), 'utf8')) as RunFile;
  } catch {
    return null;
  }
}

/** Replaces the state at once, so that a reader never sees half of it. */
export function writeRunFile(run: RunFile): void {
  const file = path.join(run.home, 'run.json');
  const partial = `${file}.${process.pid}`;
  writeFileSync(partial, `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600 });
  renameSync(partial, file);
}
