import { parseArgs } from 'node:util';
import type { Readiness } from '../contracts/health.ts';
import type { Status } from '../contracts/status.ts';
import type { Command, CommandContext } from './command.ts';
import { readRunFile, type RunFile } from './find-stack.ts';

/** `perdure status`: what runs, in which version, and how much is in which state. */
export const status: Command = {
  name: 'status',
  summary: 'Show what runs, versions, and documents, jobs and turns by state',
  usage: `Usage: perdure status [--json]

The exit code is 0 if everything is ready, else 1.`,
  async run(context) {
    const { values } = parseArgs({ args: context.args, options: { json: { type: 'boolean', default: false } } });
    const readiness = await context.api.probe('/readyz');
    const checked = (readiness?.body ?? null) as Readiness | null;
    const stored = readiness ? await context.api.request<Status>('/status') : null;
    const run = ownRun(context);
    const ready = checked?.status === 'ready';
    if (values.json) {
      const processes = Object.entries(run?.processes ?? {}).map(([name, { identity, state, restarts }]) => ({
        name,
        pid: identity?.pid ?? null,
        state,
        restarts,
      }));
      context.terminal.json({
        ready,
        url: context.api.url,
        checks: checked?.checks ?? [],
        processes,
        ...stored,
      });
    } else showStatus(context, checked, stored);
    return ready ? 0 : 1;
  },
};

/** The stack on this machine, unless PERDURE_URL names another one. */
function ownRun({ home, api }: CommandContext): RunFile | null {
  const run = readRunFile(home);
  return (run?.urls.api ?? api.url) === api.url ? run : null;
}

function showStatus(context: CommandContext, readiness: Readiness | null, stored: Status | null): void {
  const { api, terminal } = context;
  const row = (name: string, value: string): void => terminal.line(`${name.padEnd(16)} ${value}`);
  const run = ownRun(context);
  row('API', readiness ? api.url : `${api.url} ${terminal.style('red', 'does not answer')}; start it with "npm start"`);
  if (run?.urls.temporalUi) row('Temporal UI', run.urls.temporalUi);
  if (stored) {
    row('Version', stored.version);
    row('PostgreSQL', `${stored.postgresql}, pgvector ${stored.pgvector}`);
  }
  for (const { name, state, detail } of readiness?.checks ?? []) {
    row(name, `${terminal.style(state === 'up' ? 'green' : 'red', state)}  ${state === 'up' ? '' : detail}`.trimEnd());
  }
  for (const [name, { identity, state, restarts }] of Object.entries(run?.processes ?? {})) {
    row(
      `process ${name}`,
      `${state}${identity ? `, pid ${identity.pid}` : ''}${restarts ? `, ${restarts} restart${restarts === 1 ? '' : 's'}` : ''}`,
    );
  }
  if (!stored) return;
  row('Documents', countsLine(stored.documents));
  row('Ingestion jobs', countsLine(stored.ingestion_jobs));
  row('Turns', countsLine(stored.turns));
}

function countsLine(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([state, count]) => `${count} ${state}`);
  return parts.length > 0 ? parts.join(', ') : 'none';
}
