import { ScheduleAlreadyRunning, type Client } from '@temporalio/client';
import { maintenanceSchedules, type MaintenanceScheduleName } from '../contracts/names/maintenance-schedules.ts';
import type { ConfiguredSchedules } from './configured-schedules.ts';
import { maintenanceScheduleOptions } from './maintenance-schedule-options.ts';

/**
 * Creates the schedules of maintenance that are missing. One that exists keeps its stored state: an operator may have
 * paused or changed it. Any number of replicas may call this at once.
 */
export async function ensureSchedules(client: Client, configured: ConfiguredSchedules): Promise<void> {
  for (const name of Object.keys(configured) as MaintenanceScheduleName[])
    await ensureSchedule(client, configured, name);
}

/** Creates one schedule of maintenance unless it is there. */
export async function ensureSchedule(
  client: Client,
  configured: ConfiguredSchedules,
  name: MaintenanceScheduleName,
): Promise<void> {
  const { isPaused, ...settings } = configured[name];
  try {
    await client.schedule.create({
      scheduleId: name,
      ...maintenanceScheduleOptions(name, settings),
      state: {
        triggerImmediately: maintenanceSchedules[name].startsAtOnce && !isPaused,
        ...(isPaused ? { paused: true, note: 'Paused by PERDURE_SCHEDULES' } : {}),
      },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
