import { ScheduleAlreadyRunning, type Client } from '@temporalio/client';
import {
  maintenanceSchedules,
  type MaintenanceScheduleName,
  type ScheduleSettings,
} from '../contracts/names/maintenance-schedules.ts';
import { maintenanceScheduleOptions } from './maintenance-schedule-options.ts';

/** Settings of each schedule of maintenance, as they are on the first start. */
export type ConfiguredSchedules = Readonly<Record<MaintenanceScheduleName, ScheduleSettings>>;

/**
 * Creates the schedules of maintenance that are missing. One that exists keeps its stored state: an operator may have
 * paused or changed it. Any number of replicas may call this at once.
 */
export async function ensureSchedules(
  client: Client,
  configured: ConfiguredSchedules = maintenanceSchedules,
): Promise<void> {
  for (const name of Object.keys(configured) as MaintenanceScheduleName[]) {
    try {
      await client.schedule.create({
        scheduleId: name,
        ...maintenanceScheduleOptions(name, configured[name]),
        state: { triggerImmediately: maintenanceSchedules[name].startsAtOnce },
      });
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    }
  }
}
