import type { ApiClient } from './api-client.ts';
import type { Terminal } from './terminal.ts';

/** What a command works with. */
export interface CommandContext {
  readonly args: string[];
  readonly env: Record<string, string | undefined>;
  /** The folder that holds scripts/. */
  readonly checkout: string;
  /** The folder of a stack on this machine; it need not exist. */
  readonly home: string;
  readonly api: ApiClient;
  readonly terminal: Terminal;
  /** What is typed, or piped in. */
  readonly input: NodeJS.ReadableStream;
  /** Aborted at the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
}

/** One command of `perdure`. `run` gives the exit code. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly usage: string;
  run(context: CommandContext): Promise<number>;
}
