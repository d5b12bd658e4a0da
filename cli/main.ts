import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ApiClient } from './api-client.ts';
import { approvals } from './approvals.ts';
import { ask } from './ask.ts';
import { budgets } from './budgets.ts';
import { chat } from './chat.ts';
import { check } from './check.ts';
import { CliError, UsageError } from './cli-error.ts';
import type { Command } from './command.ts';
import { doctor } from './doctor.ts';
import { evaluation } from './eval.ts';
import { findApiKey, findApiUrl, findHome } from './find-stack.ts';
import { ingest } from './ingest.ts';
import { jobs } from './jobs.ts';
import { memory } from './memory.ts';
import { replay } from './replay.ts';
import { reports } from './reports.ts';
import { retry } from './retry.ts';
import { schedules } from './schedules.ts';
import { sources } from './sources.ts';
import { status } from './status.ts';
import { sync } from './sync.ts';
import { Terminal } from './terminal.ts';
import { watch } from './watch.ts';
import { webhooks } from './webhooks.ts';

const up = { name: 'up', summary: 'Start the whole stack (the same as npm start)', usage: 'perdure up [--once]' };
const commands: readonly Command[] = [
  ingest,
  retry,
  jobs,
  sources,
  sync,
  ask,
  chat,
  watch,
  approvals,
  webhooks,
  budgets,
  memory,
  evaluation,
  schedules,
  reports,
  replay,
  status,
  check,
  doctor,
];

/** What the command line was called with. */
export interface Invocation {
  readonly args: readonly string[];
  readonly env: Record<string, string | undefined>;
  readonly checkout: string;
  readonly terminal?: Terminal;
  readonly input?: NodeJS.ReadableStream;
  readonly signal?: AbortSignal;
}

/** Runs one command and gives its exit code: 0 done, 1 failed, 2 called wrongly, 130 interrupted. */
export async function main(invocation: Invocation): Promise<number> {
  const { env, checkout, terminal = new Terminal(process.stdout, process.stderr), input = process.stdin } = invocation;
  const [name, ...args] = invocation.args;
  if (name === '--version' || name === 'version') {
    terminal.line(readVersion(checkout));
    return 0;
  }
  const command = commands.find((candidate) => candidate.name === name);
  if (!command) {
    if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
      terminal.line(helpText());
      return name === undefined ? 2 : 0;
    }
    terminal.note(`There is no command "${name}".\n\n${helpText()}`);
    return 2;
  }
  if (args.includes('--help') || args.includes('-h')) {
    terminal.line(`${command.summary}\n\n${command.usage}`);
    return 0;
  }
  const home = findHome(env, checkout);
  const interrupted = invocation.signal ?? interruption();
  try {
    const api = new ApiClient(findApiUrl(env, home), findApiKey(env, home));
    return await command.run({ args, env, checkout, home, api, terminal, input, signal: interrupted });
  } catch (error) {
    return report(error, command, terminal, interrupted);
  }
}

function report(error: unknown, command: Command, terminal: Terminal, interrupted: AbortSignal): number {
  terminal.done();
  if (interrupted.aborted) return 130;
  const isUsage = error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS');
  if (isUsage) {
    terminal.note(`${(error as Error).message}\n\n${command.usage}`);
    return 2;
  }
  if (error instanceof CliError) {
    terminal.note(`${terminal.noteStyle('red', 'error:')} ${error.message}`);
    return error.exitCode;
  }
  terminal.note(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return 1;
}

function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}

function helpText(): string {
  const rows = [up, ...commands].map(({ name, summary }) => `  ${name.padEnd(9)} ${summary}`);
  return [
    'perdure: durable agents over your own documents',
    '',
    'Usage: perdure <command> [options]     perdure <command> --help',
    '',
    ...rows,
    '',
    'The API is found by PERDURE_URL, else by the stack in PERDURE_HOME (.perdure), else at http://127.0.0.1:7400.',
    'The key is PERDURE_API_KEY, else the file api-key in that folder.',
  ].join('\n');
}

function readVersion(checkout: string): string {
  const { version } = JSON.parse(readFileSync(path.join(checkout, 'package.json'), 'utf8')) as { version: string };
  return version;
}
