import { parseArgs } from 'node:util';
import type { Readiness } from '../contracts/health.ts';
import type { Status } from '../contracts/status.ts';
import type { Command, CommandContext } from './command.ts';
import { readRunFile } from './find-stack.ts';

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
    const run = readRunFile(context.home);
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

function showStatus({ api, terminal, home }: CommandContext, readiness: Readiness | null, stored: Status | null): void {
  const row = (name: string, value: string): void => terminal.line(`${name.padEnd(16)} ${value}`);
  const run = readRunFile(home);
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
      `${state}${identity ? `, pid ${identity.pid}` : ''}${restarts ? `, ${restarts} restarts` : ''}`,
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
