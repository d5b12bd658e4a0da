import { PerdureError } from '../../contracts/errors.ts';
import { maintenanceSchedules, type MaintenanceScheduleName } from '../../contracts/names/maintenance-schedules.ts';
import {
  changeScheduleSchema,
  noteScheduleSchema,
  scheduleParamsSchema,
  scheduleSchema,
  schedulesSchema,
  triggeredSchema,
  triggerScheduleSchema,
} from '../../contracts/schedule.ts';
import { presentTime } from '../framework/present-time.ts';
import { defineRoute, type Reply, type RouteDeps } from '../framework/route.ts';
import { presentSchedule } from './present-schedule.ts';
import { requireOperator, requireSchedule } from './require-schedule.ts';

const tag = 'Maintenance';
const path = '/schedules/{name}';
const params = scheduleParamsSchema;

const list = defineRoute({
  method: 'GET',
  path: '/schedules',
  tag,
  summary: 'List the schedules of maintenance, with their next and latest runs',
  scope: 'maintenance:read',
  responses: { 200: schedulesSchema },
  problems: [503],
  handle: async (_request, deps) => {
    const schedules = await deps.schedules.list();
    return { status: 200, body: { data: schedules.map((schedule) => presentSchedule(schedule, deps.historyUrl)) } };
  },
});

const show = defineRoute({
  method: 'GET',
  path,
  tag,
  summary: 'Read one schedule of maintenance',
  scope: 'maintenance:read',
  params,
  responses: { 200: scheduleSchema },
  problems: [503],
  handle: async ({ params: { name } }, deps) => answer(deps, requireSchedule(name)),
});

const change = defineRoute({
  method: 'PATCH',
  path,
  tag,
  summary: 'Change when a schedule is due, and what happens then',
  description:
    'What is left out stays. A run is ended before the next one is due, so `time_out_seconds` is below the shortest time ' +
    'between two runs; one that is not given is cut to that. The change survives restarts and upgrades.',
  scope: 'maintenance:write',
  params,
  body: changeScheduleSchema,
  example: { timing: { every_seconds: 600 } },
  responses: { 200: scheduleSchema },
  problems: [403, 503],
  handle: async ({ params: { name }, body, principal }, deps) => {
    const known = requireSchedule(name);
    await requireOperator(deps, principal);
    await deps.schedules.change(known, body);
    return answer(deps, known);
  },
});

const reset = defineRoute({
  method: 'POST',
  path: `${path}/reset`,
  tag,
  summary: 'Bring a schedule back to what the configuration says; one that is paused stays paused',
  scope: 'maintenance:write',
  params,
  responses: { 200: scheduleSchema },
  problems: [403, 503],
  handle: async ({ params: { name }, principal }, deps) => {
    const known = requireSchedule(name);
    await requireOperator(deps, principal);
    await deps.schedules.reset(known);
    return answer(deps, known);
  },
});

const pause = defineRoute({
  method: 'POST',
  path: `${path}/pause`,
  tag,
  summary: 'Start no more runs of a schedule; one that is under way goes on',
  scope: 'maintenance:write',
  params,
  body: noteScheduleSchema,
  bodyOptional: true,
  example: { note: 'while the disk is being replaced' },
  responses: { 200: scheduleSchema },
  problems: [403, 503],
  handle: async ({ params: { name }, body, principal }, deps) => {
    const known = requireSchedule(name);
    await requireOperator(deps, principal);
    await deps.schedules.pause(known, body.note === '' ? 'Paused through the API' : body.note);
    return answer(deps, known);
  },
});

const resume = defineRoute({
  method: 'POST',
  path: `${path}/resume`,
  tag,
  summary: 'Start runs of a paused schedule again; those that were due meanwhile are not made up for',
  scope: 'maintenance:write',
  params,
  body: noteScheduleSchema,
  bodyOptional: true,
  example: { note: 'the disk is there' },
  responses: { 200: scheduleSchema },
  problems: [403, 503],
  handle: async ({ params: { name }, body, principal }, deps) => {
    const known = requireSchedule(name);
    await requireOperator(deps, principal);
    await deps.schedules.resume(known, body.note === '' ? 'Resumed through the API' : body.note);
    return answer(deps, known);
  },
});

const trigger = defineRoute({
  method: 'POST',
  path: `${path}/trigger`,
  tag,
  summary: 'Start a run now, or when the one that is under way has ended',
  description:
    'A paused schedule can be triggered too. The report of the run is found by `GET /maintenance-reports?schedule=`, that ' +
    'of a dry run by its `workflow_id`.',
  scope: 'maintenance:write',
  params,
  body: triggerScheduleSchema,
  bodyOptional: true,
  idempotent: true,
  example: { dry_run: false },
  responses: { 202: triggeredSchema },
  problems: [403, 503],
  handle: async ({ params: { name }, body, principal }, deps) => {
    const known = requireSchedule(name);
    await requireOperator(deps, principal);
    if (body.dry_run) requireDryRun(known);
    const triggered_at = presentTime(new Date());
    const workflow_id = body.dry_run ? await deps.schedules.startDryRun(known) : null;
    if (!body.dry_run) await deps.schedules.trigger(known);
    return { status: 202, body: { name: known, dry_run: body.dry_run, triggered_at, workflow_id } };
  },
});

/** Routes of the schedules of maintenance. */
export const scheduleRoutes = [list, show, change, reset, pause, resume, trigger];

async function answer(deps: RouteDeps, name: MaintenanceScheduleName): Promise<Reply> {
  return { status: 200, body: presentSchedule(await deps.schedules.read(name), deps.historyUrl) };
}

function requireDryRun(name: MaintenanceScheduleName): void {
  if (maintenanceSchedules[name].hasDryRun) return;
  const message = `${name} has no dry run`;
  throw new PerdureError('bad_request', `body.dry_run: ${message}`, { errors: [{ path: 'body.dry_run', message }] });
}
