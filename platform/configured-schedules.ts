import { z } from 'zod';
import { configuredScheduleSchema } from '../contracts/schedule.ts';
import {
  isMaintenanceSchedule,
  maintenanceSchedules,
  type MaintenanceScheduleName,
  type ScheduleSettings,
} from '../contracts/names/maintenance-schedules.ts';
import { changeSettings } from '../domain/schedules/change-settings.ts';

/** Settings of each schedule of maintenance, as they are when it is made. */
export type ConfiguredSchedules = Readonly<Record<MaintenanceScheduleName, ScheduleSettings & { isPaused: boolean }>>;

const given = z.record(z.string(), configuredScheduleSchema);

/**
 * Reads how schedules differ from what they are without configuration: a JSON object from their names to settings.
 * @throws Error saying what is wrong with it.
 */
export function configureSchedules(text: string): ConfiguredSchedules {
  const changes = text === '' ? {} : readChanges(text);
  const names = Object.keys(maintenanceSchedules) as MaintenanceScheduleName[];
  return Object.fromEntries(
    names.map((name) => {
      const { is_paused: isPaused = false, ...change } = changes[name] ?? {};
      const changed = changeSettings(maintenanceSchedules[name], change);
      if ('mistake' in changed) throw new Error(`${name}.${changed.path} ${changed.mistake}`);
      return [name, { ...changed.settings, isPaused }];
    }),
  ) as ConfiguredSchedules;
}

function readChanges(text: string): z.infer<typeof given> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Error('must be a JSON object, such as {"sweep-orphans": {"timing": {"every_seconds": 3600}}}');
  }
  const parsed = given.safeParse(json);
  if (!parsed.success)
    throw new Error(parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
  const unknown = Object.keys(parsed.data).find((name) => !isMaintenanceSchedule(name));
  if (unknown !== undefined)
    throw new Error(`there is no schedule "${unknown}"; there are ${Object.keys(maintenanceSchedules).join(', ')}`);
  return parsed.data;
}
