import { fork } from 'node:child_process';
import type { ProcessName, RunFile, StackPorts } from './run-file.ts';

/** What `holdStack` starts; the same as for `startStack`, in words that can be sent to another process. */
export interface HeldStackOptions {
  home: string;
  env: NodeJS.ProcessEnv;
  cache?: string;
  processes?: readonly ProcessName[];
  ports?: Partial<Record<keyof StackPorts, number>>;
  longestBackOffMs?: number;
  /** Removes the home, data included, once everything has stopped. */
  throwAway?: boolean;
  /** Folder of further homes, whose processes are ended as well if the programs that started them no longer can. */
  nested?: string;
}

/** A stack in the care of another process. */
export interface HeldStack {
  urls: RunFile['urls'];
  env: NodeJS.ProcessEnv;
  stop(): Promise<void>;
}

/** What the holder tells the process that started it. */
export type HolderMessage =
  | { kind: 'ready'; urls: RunFile['urls']; env: NodeJS.ProcessEnv }
  | { kind: 'failed'; message: string };

/**
 * Starts a stack in a process of its own, which stops everything when it is told to or when this process ends in
 * whatever way, `kill -9` included. For test runs and other programs that may be cut short.
 */
export async function holdStack(options: HeldStackOptions): Promise<HeldStack> {
  const holder = fork(new URL('./stack-holder.ts', import.meta.url), {
    env: process.env,
    execArgv: [],
    // A session of its own: Ctrl-C in the terminal does not end it before it has stopped the servers.
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = new Promise<void>((resolve) => holder.once('exit', () => resolve()));
  const answer = await new Promise<HolderMessage>((resolve) => {
    holder.once('message', (message) => resolve(message as HolderMessage));
    holder.once('error', (error) => resolve({ kind: 'failed', message: error.message }));
    holder.once('exit', (code) =>
      resolve({ kind: 'failed', message: `The process that holds the servers ended (${code}).` }),
    );
    holder.send(options);
  });
  if (answer.kind === 'failed') {
    await exited;
    throw new Error(answer.message);
  }
  return {
    urls: answer.urls,
    env: answer.env,
    stop: () => {
      if (holder.connected) holder.disconnect();
      return exited;
    },
  };
}
