import { parseArgs } from 'node:util';
import type { MaintenanceReport } from '../contracts/schedule.ts';
import { UsageError } from './cli-error.ts';
import type { Command } from './command.ts';
import { showReport } from './show-report.ts';

/** `perdure reports`: what runs of maintenance saw, decided and did. */
export const reports: Command = {
  name: 'reports',
  summary: 'Show what maintenance saw, decided and did; exit code 1 where a shown run failed',
  usage: `Usage: perdure reports [--task TASK] [--schedule NAME] [--state STATE] [--limit N] [--json]

  --state STATE  running, done or failed
  --limit N      how many of the newest (20)
  --json         one object a line

Examples:
  perdure reports --schedule maintain-indexes    why indexes were built anew, or not
  perdure reports --state failed --limit 5`,
  async run({ args, api, terminal }) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        task: { type: 'string' },
        schedule: { type: 'string' },
        state: { type: 'string' },
        limit: { type: 'string', default: '20' },
        json: { type: 'boolean', default: false },
      },
    });
    if (positionals.length > 0) throw new UsageError('Narrow the list by --task, --schedule or --state.');
    const { json, ...filter } = values;
    const given = Object.entries(filter).filter(([, value]) => value !== undefined);
    const { data } = await api.request<{ data: MaintenanceReport[] }>(
      `/maintenance-reports?${new URLSearchParams(given).toString()}`,
    );
    for (const report of data.toReversed()) showReport(terminal, report, { json });
    if (data.length === 0 && !json) terminal.note('There is no such report.');
    return data.some(({ state }) => state === 'failed') ? 1 : 0;
  },
};
