import { parseArgs } from 'node:util';
import type { Command } from './command.ts';
import { runScript } from './run-script.ts';

/** `perdure doctor`: looks at the machine and the servers, and names the way out of what is wrong. */
export const doctor: Command = {
  name: 'doctor',
  summary: 'Look for what keeps Perdure from running well, and say what to do',
  usage: `Usage: perdure doctor [--json]

  --json   one object a line: {"check", "state": "ok" | "warning" | "failed", "found", "advice"}

Looks at Node, Python, disk, ports, the embedding model, PostgreSQL, Temporal, its retention, and the API with its
workers. The exit code is 1 if anything failed.`,
  async run(context) {
    const { values } = parseArgs({ args: context.args, options: { json: { type: 'boolean', default: false } } });
    return runScript(context, 'scripts/doctor/run-doctor.ts', values.json ? ['--json'] : []);
  },
};
