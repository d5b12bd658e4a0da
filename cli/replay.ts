import path from 'node:path';
import { parseArgs } from 'node:util';
import { CliError, UsageError } from './cli-error.ts';
import type { Command } from './command.ts';
import { readRunFile } from './find-stack.ts';
import { runScript } from './run-script.ts';

/** `perdure replay`: runs a turn again from its recorded steps. */
export const replay: Command = {
  name: 'replay',
  summary: 'Run a turn again from its recorded steps, or with another prompt or model',
  usage: `Usage: perdure replay TURN [--prompt FILE] [--model NAME] [--json]

  --prompt FILE   the agent's system prompt is what the file holds
  --model NAME    another chat model of the workspace
  --json          one object a step: {"step", "kind", "note", "differences"}

Without options it needs no network and costs nothing: it assembles each prompt anew from the stored rows, and compares it
with what the model was sent. With --prompt or --model it calls the model (a paid call that is not in GET /usage) step by
step until it says something else than it did; tools are never run, what they gave is taken from the record. It shows the
first difference. The exit code is 1 when there is one. It reads the database of the stack on this machine, or of
DATABASE_URL.`,
  async run(context) {
    const { values, positionals } = parseArgs({
      args: context.args,
      allowPositionals: true,
      options: { prompt: { type: 'string' }, model: { type: 'string' }, json: { type: 'boolean', default: false } },
    });
    const [turn, ...more] = positionals;
    if (turn === undefined || more.length > 0) throw new UsageError('Name one turn.');
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(turn))
      throw new UsageError(`"${turn}" is no id of a turn.`);
    if (!context.env.DATABASE_URL && !readRunFile(context.home))
      throw new CliError(`Nothing runs in ${context.home}. Start it with "npm start", or set DATABASE_URL.`, 2);
    return runScript(context, 'scripts/replay/run-replay.ts', [
      turn,
      // The script works in the folder of the checkout.
      ...(values.prompt === undefined ? [] : ['--prompt', path.resolve(values.prompt)]),
      ...(values.model === undefined ? [] : ['--model', values.model]),
      ...(values.json ? ['--json'] : []),
    ]);
  },
};
