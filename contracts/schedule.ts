import { z } from 'zod';
import { idField, jsonObjectField, timeField } from './fields.ts';
import { overlapPolicies } from './names/maintenance-schedules.ts';
import { pageQuerySchema } from './page.ts';
import { sourceScheduleSchema } from './source-schedule.ts';

const settings = {
  timing: sourceScheduleSchema.describe('Every so many seconds, or a cron expression in a time zone'),
  overlap: z.enum(overlapPolicies).describe('What happens to a run that is due while one is under way'),
  catch_up_seconds: z
    .int()
    .min(10)
    .max(31_536_000)
    .describe('Missed runs are made up for when they were due at most so long ago'),
  time_out_seconds: z
    .int()
    .min(1)
    .max(31_536_000)
    .describe('A run that has not ended by then is ended; below the time between two runs'),
};

const changeable = {
  timing: settings.timing.optional(),
  overlap: settings.overlap.optional(),
  catch_up_seconds: settings.catch_up_seconds.optional(),
  time_out_seconds: settings.time_out_seconds.optional(),
};

/** Body of `PATCH /schedules/{name}`; what is left out stays. */
export const changeScheduleSchema = z
  .strictObject(changeable)
  .refine((body) => Object.keys(body).length > 0, 'must change something');

/** How one schedule differs from what it is without configuration, in the setting PERDURE_SCHEDULES. */
export const configuredScheduleSchema = z.strictObject({ ...changeable, is_paused: z.boolean().default(false) });

/** Body of `POST /schedules/{name}/trigger`. */
export const triggerScheduleSchema = z.strictObject({
  dry_run: z.boolean().default(false).describe('Report what would be done, and do nothing'),
});

/** Body of `POST /schedules/{name}/pause` and of `resume`. */
export const noteScheduleSchema = z.strictObject({ note: z.string().trim().max(500).default('') });

/** Path parameters of one schedule. */
export const scheduleParamsSchema = z.strictObject({ name: z.string().min(1).max(100) });

const runSchema = z.strictObject({
  workflow_id: z.string(),
  run_id: z.string(),
  due_at: timeField.nullable(),
  started_at: timeField.nullable(),
  history_url: z.string().nullable(),
});

/** A schedule of maintenance, or of a source, as Temporal has it. `timing` is null where it was changed there to what cannot be said here. */
export const scheduleSchema = z.strictObject({
  name: z.string(),
  workflow_type: z.string(),
  summary: z.string(),
  description: z.string(),
  has_dry_run: z.boolean(),
  knowledge_source: idField.nullable().describe('What it brings up to date; null for maintenance of the server'),
  ...settings,
  timing: z.union([
    z.strictObject({ every_seconds: z.number() }),
    z.strictObject({ cron: z.string(), time_zone: z.string() }),
    z.null(),
  ]),
  is_paused: z.boolean(),
  note: z.string().nullable(),
  next_runs: z.array(timeField),
  running: z.array(runSchema),
  recent_runs: z.array(runSchema).describe('Newest first'),
  runs: z.int().describe('Runs since the schedule was made'),
  missed_runs: z.int().describe('Runs that were not made up for after an outage'),
  skipped_runs: z.int().describe('Runs that were due while another one was under way'),
  created_at: timeField,
  updated_at: timeField,
});

export type Schedule = z.infer<typeof scheduleSchema>;

/** Answer of `GET /schedules`. */
export const schedulesSchema = z.strictObject({ data: z.array(scheduleSchema) });

/** Answer of a trigger: when it was asked for, and the workflow of a dry run. */
export const triggeredSchema = z.strictObject({
  name: z.string(),
  dry_run: z.boolean(),
  triggered_at: timeField,
  workflow_id: z.string().nullable().describe('Of a dry run; a run of the schedule gets its id when it begins'),
});

/** Query of `GET /maintenance-reports`. */
export const reportsQuerySchema = pageQuerySchema.extend({
  task: z.string().max(100).optional(),
  schedule: z.string().max(100).optional(),
  state: z.enum(['running', 'done', 'failed']).optional(),
  workflow_id: z.string().max(300).optional(),
});

/** What a run of maintenance saw, decided and did. */
export const maintenanceReportSchema = z.strictObject({
  id: idField,
  is_of_server: z.boolean().describe('About the whole server, not about this workspace'),
  task: z.string(),
  subject: z.string().nullable(),
  schedule: z.string().nullable(),
  state: z.enum(['running', 'done', 'failed']),
  saw: jsonObjectField,
  decided: z.string(),
  reason: z.string(),
  did: jsonObjectField,
  error: z.strictObject({ code: z.string(), detail: z.string() }).nullable(),
  workflow_id: z.string(),
  run_id: z.string(),
  history_url: z.string().nullable(),
  started_at: timeField,
  finished_at: timeField.nullable(),
});

export type MaintenanceReport = z.infer<typeof maintenanceReportSchema>;
