import { PerdureError } from '../../contracts/errors.ts';
import { maintenanceSchedules, type MaintenanceScheduleName } from '../../contracts/names/maintenance-schedules.ts';
import { workflowIds } from '../../contracts/names/workflows.ts';
import {
  changeScheduleSchema,
  noteScheduleSchema,
  scheduleParamsSchema,
  scheduleSchema,
  schedulesSchema,
  triggeredSchema,
  triggerScheduleSchema,
  type Schedule,
} from '../../contracts/schedule.ts';
import { listScheduledSources } from '../../entities/sources/scheduled-source-repository.ts';
import { presentTime } from '../framework/present-time.ts';
import { defineRoute, type Reply, type RouteDeps } from '../framework/route.ts';
import { presentSchedule } from './present-schedule.ts';
import { requireOwnSchedule, requireSchedule, requireSettings, type KnownSchedule } from './require-schedule.ts';

const tag = 'Maintenance';
const path = '/schedules/{name}';
const params = scheduleParamsSchema;

const list = defineRoute({
  method: 'GET',
  path: '/schedules',
  tag,
  summary: 'List the schedules of maintenance and of the sources of this workspace, with their next and latest runs',
  scope: 'maintenance:read',
  responses: { 200: schedulesSchema },
  problems: [503],
  handle: async ({ principal: { workspaceId } }, deps) => {
    const sources = await deps.database.inWorkspace(workspaceId, (em) => listScheduledSources(em, null));
    const names = Object.keys(maintenanceSchedules) as MaintenanceScheduleName[];
    const known: KnownSchedule[] = [
      ...names.map((name) => ({ name, source: null })),
      ...sources.map((source) => ({ name: workflowIds.requestSync(source.id), source })),
    ];
    return { status: 200, body: { data: await Promise.all(known.map((one) => present(deps, one))) } };
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
  handle: async ({ params: { name }, principal }, deps) => answer(deps, await requireSchedule(deps, principal, name)),
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
  problems: [403, 409, 503],
  handle: async ({ params: { name }, body, principal }, deps) => {
    const known = await requireSettings(deps, principal, name);
    await deps.schedules.change(known, body);
    return answer(deps, { name: known, source: null });
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
  problems: [403, 409, 503],
  handle: async ({ params: { name }, principal }, deps) => {
    const known = await requireSettings(deps, principal, name);
    await deps.schedules.reset(known);
    return answer(deps, { name: known, source: null });
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
    const known = await requireOwnSchedule(deps, principal, name);
    await deps.schedules.pause(known.name, body.note === '' ? 'Paused through the API' : body.note);
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
    const known = await requireOwnSchedule(deps, principal, name);
    await deps.schedules.resume(known.name, body.note === '' ? 'Resumed through the API' : body.note);
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
    const known = await requireOwnSchedule(deps, principal, name);
    const dryRun = body.dry_run ? requireDryRun(known) : null;
    const triggered_at = presentTime(new Date());
    const workflow_id = dryRun === null ? null : await deps.schedules.startDryRun(dryRun);
    if (dryRun === null) await deps.schedules.trigger(known.name);
    return { status: 202, body: { name: known.name, dry_run: body.dry_run, triggered_at, workflow_id } };
  },
});

/** Routes of the schedules of maintenance. */
export const scheduleRoutes = [list, show, change, reset, pause, resume, trigger];

async function answer(deps: RouteDeps, known: KnownSchedule): Promise<Reply> {
  return { status: 200, body: await present(deps, known) };
}

async function present(deps: RouteDeps, known: KnownSchedule): Promise<Schedule> {
  return presentSchedule(known, await deps.schedules.read(known.name), deps.historyUrl);
}

function requireDryRun(known: KnownSchedule): MaintenanceScheduleName {
  if (known.source === null && maintenanceSchedules[known.name].hasDryRun) return known.name;
  const message = `${known.name} has no dry run`;
  throw new PerdureError('bad_request', `body.dry_run: ${message}`, { errors: [{ path: 'body.dry_run', message }] });
}
