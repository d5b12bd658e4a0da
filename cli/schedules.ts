import { parseArgs } from 'node:util';
import type { Schedule } from '../contracts/schedule.ts';
import { UsageError } from './cli-error.ts';
import type { Command, CommandContext } from './command.ts';
import { followReport, standingOf } from './follow-report.ts';
import { safeText } from './safe-text.ts';

const actions = ['pause', 'resume', 'trigger', 'reset', 'set'] as const;
type Action = (typeof actions)[number];
const isAction = (name: string): name is Action => actions.some((action) => action === name);

const settingsOptions = {
  every: { type: 'string' },
  cron: { type: 'string' },
  'time-zone': { type: 'string' },
  overlap: { type: 'string' },
  'catch-up': { type: 'string' },
  'time-out': { type: 'string' },
} as const;

/** `perdure schedules`: the schedules of maintenance; pause, resume, trigger and change them. */
export const schedules: Command = {
  name: 'schedules',
  summary: 'List, pause, resume, trigger and change the schedules of maintenance',
  usage: `Usage: perdure schedules [NAME] [--json]
       perdure schedules pause|resume NAME [--note TEXT]
       perdure schedules trigger NAME [--dry-run] [--no-wait]
       perdure schedules set NAME [--every SECONDS | --cron "M H D M W" --time-zone ZONE]
                                  [--overlap POLICY] [--catch-up SECONDS] [--time-out SECONDS]
       perdure schedules reset NAME

  --dry-run   report what would be done, and do nothing
  --no-wait   do not wait for the report of the run
  --overlap   skip, buffer_one, cancel_other, terminate_other or allow_all
  --json      one object a line

Examples:
  perdure schedules pause retain-data --note "until the audit is over"
  perdure schedules trigger retain-data --dry-run
  perdure schedules set aggregate-usage --cron "15 * * * *" --time-zone Europe/Zurich`,
  async run(context) {
    const { values, positionals } = parseArgs({
      args: context.args,
      allowPositionals: true,
      options: {
        ...settingsOptions,
        note: { type: 'string' },
        'dry-run': { type: 'boolean', default: false },
        'no-wait': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    const [first, second, ...more] = positionals;
    if (first === undefined || !isAction(first)) {
      if (second !== undefined) throw new UsageError(`There is no action "${first}".`);
      return first === undefined ? list(context, values.json) : show(context, first, values.json);
    }
    if (second === undefined || more.length > 0) throw new UsageError('Name one schedule.');
    if (first === 'trigger') return trigger(context, second, values);
    const schedule = await change(context, first, second, values);
    if (values.json) context.terminal.json(schedule);
    else context.terminal.line(line(context, schedule));
    return 0;
  },
};

type Values = { [Name in keyof typeof settingsOptions]?: string | undefined } & {
  note?: string | undefined;
  'dry-run': boolean;
  'no-wait': boolean;
  json: boolean;
};

const pathOf = (name: string) => `/schedules/${encodeURIComponent(name)}`;

async function list(context: CommandContext, json: boolean): Promise<number> {
  const { data } = await context.api.request<{ data: Schedule[] }>('/schedules');
  for (const schedule of data) {
    if (json) context.terminal.json(schedule);
    else context.terminal.line(line(context, schedule));
  }
  return 0;
}

async function show(context: CommandContext, name: string, json: boolean): Promise<number> {
  const schedule = await context.api.request<Schedule>(pathOf(name));
  if (json) {
    context.terminal.json(schedule);
    return 0;
  }
  const { terminal } = context;
  terminal.line(line(context, schedule));
  terminal.line(`  ${schedule.summary}. ${schedule.description}`);
  terminal.line(
    `  overlap ${schedule.overlap}, catches up ${schedule.catch_up_seconds} s, times out after ${schedule.time_out_seconds} s`,
  );
  terminal.line(`  ${schedule.runs} runs, ${schedule.skipped_runs} skipped, ${schedule.missed_runs} missed`);
  for (const run of schedule.recent_runs.slice(0, 5)) terminal.line(`  ${run.started_at}  ${run.workflow_id}`);
  return 0;
}

function change(context: CommandContext, action: Action, name: string, values: Values): Promise<Schedule> {
  if (action === 'set') return context.api.request<Schedule>(pathOf(name), { method: 'PATCH', body: settings(values) });
  const body = action === 'reset' ? {} : { body: values.note === undefined ? {} : { note: values.note } };
  return context.api.request<Schedule>(`${pathOf(name)}/${action}`, { method: 'POST', ...body });
}

function settings(values: Values): Record<string, unknown> {
  const { every, cron, overlap } = values;
  const timeZone = values['time-zone'];
  if (every !== undefined && cron !== undefined) throw new UsageError('Give --every or --cron, not both.');
  const seconds = (name: 'every' | 'catch-up' | 'time-out') => {
    const value = Number(values[name]);
    if (!Number.isInteger(value)) throw new UsageError(`--${name} must be a whole number of seconds.`);
    return value;
  };
  return {
    ...(every === undefined ? {} : { timing: { every_seconds: seconds('every') } }),
    ...(cron === undefined ? {} : { timing: { cron, ...(timeZone === undefined ? {} : { time_zone: timeZone }) } }),
    ...(overlap === undefined ? {} : { overlap }),
    ...(values['catch-up'] === undefined ? {} : { catch_up_seconds: seconds('catch-up') }),
    ...(values['time-out'] === undefined ? {} : { time_out_seconds: seconds('time-out') }),
  };
}

async function trigger(context: CommandContext, name: string, values: Values): Promise<number> {
  const before = await standingOf(context, name);
  const triggered = await context.api.request<{ workflow_id: string | null }>(`${pathOf(name)}/trigger`, {
    method: 'POST',
    body: { dry_run: values['dry-run'] },
  });
  if (values['no-wait']) {
    context.terminal.note(`${name} was triggered.`);
    return 0;
  }
  return followReport(context, { schedule: name, workflowId: triggered.workflow_id, before }, values);
}

function line({ terminal }: CommandContext, schedule: Schedule): string {
  const { timing } = schedule;
  const when =
    timing === null
      ? 'changed in Temporal'
      : 'every_seconds' in timing
        ? `every ${timing.every_seconds} s`
        : `${timing.cron} ${timing.time_zone}`;
  const state = schedule.is_paused ? terminal.style('red', 'paused') : terminal.style('green', 'active');
  const next = schedule.is_paused ? safeText(schedule.note ?? '') : `next ${schedule.next_runs[0] ?? 'never'}`;
  return `${schedule.name.padEnd(20)} ${state}  ${when.padEnd(28)} ${next}`;
}
