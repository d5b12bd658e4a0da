import { existsSync } from 'node:fs';
import path from 'node:path';
import { homeDirectory } from '../setup/installation.mjs';
import { runScript, SetupFailure } from '../setup/setup-failure.mjs';
import { watchForEnd } from './watch-for-end.ts';
import type { Stack } from './stack.ts';
import { startStack } from './start-stack.ts';
import { TerminalLog } from './terminal-log.ts';

const sample = 'scripts/sample/run-sample.ts';

/**
 * Starts the whole stack, runs the sample of the first start, prints the addresses and serves until it is told to stop.
 * With `--once` it verifies the sample's answer, stops everything and ends with the sample's exit code.
 */
export async function supervise(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const once = args.includes('--once');
  const terminal = new TerminalLog(process.stdout);
  const end = watchForEnd(env);
  const stack = await startStack({
    home: homeDirectory(env),
    env,
    log: (line) => terminal.write('perdure', line),
    onOutput: (name, line) => terminal.write(name, line),
    signal: end.signal,
  }).catch((error: unknown) => {
    if (!end.signal.aborted) throw error;
    // The error is only what the stop broke off.
    throw new SetupFailure('Stopped before everything had started. The data is kept.', { cause: error });
  });
  let code = 0;
  try {
    // On a database of the user's own nothing is created unasked.
    const flags = [
      ...(stack.urls.database !== null || args.includes('--sample') ? ['--sample'] : []),
      ...(once ? ['--verify'] : []),
    ];
    terminal.pause();
    code = await stack.runScript(sample, flags, 'inherit');
    terminal.resume();
    if (code !== 0) terminal.write('perdure', `The sample ended with exit code ${code}.`);
    if (!once && !end.signal.aborted) {
      printAddresses(stack);
      await end.reached;
    }
  } finally {
    terminal.write('perdure', 'Stopping …');
    await stack.stop();
    terminal.write('perdure', 'Everything has stopped; the data is kept.');
  }
  process.exit(once ? code : 0);
}

function printAddresses({ urls, home }: Stack): void {
  const rows = [
    ['API', urls.api],
    ['API docs', urls.docs],
    ['Temporal UI', urls.temporalUi],
    ['Data and logs', home],
  ];
  const text = rows.flatMap(([title, value]) => (value == null ? [] : [`  ${title?.padEnd(14)} ${value}`]));
  const key = path.join(home, 'api-key');
  const example = existsSync(key)
    ? [
        'Try it:',
        `  curl -H "Authorization: Bearer $(cat ${key})" -H 'Content-Type: application/json' \\`,
        `    -d '{"query": "What happens when a worker is killed?"}' ${urls.api}/search`,
        '',
      ]
    : [];
  console.log(['', 'Perdure is ready. Ctrl-C stops it.', ...text, '', ...example].join('\n'));
}

if (process.argv[1] === import.meta.filename) await runScript(() => supervise(process.argv.slice(2), process.env));
