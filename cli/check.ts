import { parseArgs } from 'node:util';
import { CliError } from './cli-error.ts';
import type { Command } from './command.ts';
import { readRunFile } from './find-stack.ts';
import { runScript } from './run-script.ts';

/** `perdure check`: looks for breaches of the invariants in the database and in Temporal themselves. */
export const check: Command = {
  name: 'check',
  summary: 'Check the invariants of everything that is stored; exit code 1 on a breach',
  usage: `Usage: perdure check [--json] [--offline]

  --json      one object: {"ok": …, "breaches": [{"invariant", "entity", "id", "detail"}]}
  --offline   leave out what has to ask Temporal

It reads the database of the stack on this machine, or of DATABASE_URL (and TEMPORAL_ADDRESS).`,
  async run(context) {
    const { values } = parseArgs({
      args: context.args,
      options: { json: { type: 'boolean', default: false }, offline: { type: 'boolean', default: false } },
    });
    if (!context.env.DATABASE_URL && !readRunFile(context.home)) {
      throw new CliError(
        `Nothing runs in ${context.home}. Start it with "npm start", set PERDURE_HOME to the folder of a stack that runs, ` +
          'or set DATABASE_URL.',
        2,
      );
    }
    const flags = Object.entries(values).flatMap(([name, on]) => (on ? [`--${name}`] : []));
    return runScript(context, 'scripts/check/run-check.ts', flags);
  },
};
