import type { MaintenanceScheduleName, ScheduleSettings } from '../../contracts/names/maintenance-schedules.ts';

/** A run of a schedule. */
export type ScheduledRun = { workflowId: string; runId: string; dueAt: Date | null; startedAt: Date | null };

/** A schedule as Temporal has it; `timing` is null where it was changed there to something else. */
export type StoredSchedule = Omit<ScheduleSettings, 'timing'> & {
  name: string;
  timing: ScheduleSettings['timing'] | null;
  isPaused: boolean;
  note: string | null;
  nextRuns: Date[];
  running: ScheduledRun[];
  /** Newest first. */
  recentRuns: ScheduledRun[];
  runs: number;
  missedRuns: number;
  skippedRuns: number;
  createdAt: Date;
  updatedAt: Date;
};

/** What the API needs of the schedules of maintenance; platform/schedule-desk.ts makes it. */
export interface ScheduleDesk {
  /**
   * Reads one. One of maintenance that was deleted in Temporal is made anew.
   * @throws PerdureError `not_found` where a source has no schedule; so do the others.
   */
  read(name: string): Promise<StoredSchedule>;
  /** @throws PerdureError `bad_request` where the settings do not go together. */
  change(
    name: MaintenanceScheduleName,
    change: { [Name in keyof ScheduleSettings]?: ScheduleSettings[Name] | undefined },
  ): Promise<void>;
  /** Brings the settings back to those of the configuration; whether it is paused stays. */
  reset(name: MaintenanceScheduleName): Promise<void>;
  pause(name: string, note: string): Promise<void>;
  resume(name: string, note: string): Promise<void>;
  /** Starts a run at once, or when the one that is under way has ended. */
  trigger(name: string): Promise<void>;
  /** Starts a run that reports what it would do and does nothing; the id of its workflow. */
  startDryRun(name: MaintenanceScheduleName): Promise<string>;
  /** Whether the keys of that workspace may see and change what concerns the whole server. */
  operates(workspaceId: string): Promise<boolean>;
}
