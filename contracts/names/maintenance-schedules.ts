/** What happens when a run is due while one is under way. */
export const overlapPolicies = ['skip', 'buffer_one', 'cancel_other', 'terminate_other', 'allow_all'] as const;

/** When a schedule is due, what happens then to what still runs, and how much of an outage is made up for. */
export type ScheduleSettings = {
  timing: { every_seconds: number } | { cron: string; time_zone: string };
  overlap: (typeof overlapPolicies)[number];
  /** Runs that were missed are made up for when they were due at most so long ago. */
  catch_up_seconds: number;
  /** A run that has not ended by then is ended; below the interval, so that it holds up one run at the most. */
  time_out_seconds: number;
};

/** A schedule of maintenance as it is made on the first start. */
export type MaintenanceSchedule = ScheduleSettings & {
  /** Type of the workflow that a run is; a key of `workflowTypes`. */
  workflow: string;
  summary: string;
  description: string;
  /** Whether a run is started when the schedule is made. */
  startsAtOnce: boolean;
  /** Whether the workflow takes `{ dryRun: true }`, and then reports what it would do and does nothing. */
  hasDryRun: boolean;
};

const everyFiveMinutes = {
  timing: { every_seconds: 300 },
  overlap: 'skip',
  catch_up_seconds: 300,
  time_out_seconds: 295,
  startsAtOnce: true,
  hasDryRun: false,
} as const;

/** Every schedule of maintenance by its name, which is its id in Temporal too. */
export const maintenanceSchedules = {
  'sweep-accepted': {
    ...everyFiveMinutes,
    workflow: 'sweepAccepted',
    summary: 'Start accepted work that has no workflow',
    description: 'Looks every 5 s. A result of `swept: 0` is the usual one: nothing had been left behind.',
  },
  'sweep-orphans': {
    ...everyFiveMinutes,
    timing: { every_seconds: 600 },
    catch_up_seconds: 600,
    time_out_seconds: 590,
    workflow: 'sweepOrphans',
    summary: 'Clear up after steps that died for good',
    description: 'Chunks, bytes, vectors, claims and keys that belong to nothing any more. Zeros are the usual result.',
  },
  'maintain-indexes': {
    timing: { cron: '30 2 * * *', time_zone: 'UTC' },
    overlap: 'skip',
    catch_up_seconds: 3600,
    // The index that is being built by then is finished in a workflow of its own.
    time_out_seconds: 82_800,
    workflow: 'maintainIndexes',
    summary: 'Keep the indexes of vectors fast and whole',
    description:
      'Measures the indexes of one model after the other, and builds anew, vacuums, analyses or searches more broadly ' +
      'where that shows a need. The reports say what was seen, decided and done.',
    startsAtOnce: false,
    hasDryRun: false,
  },
  'maintain-lexicon': {
    ...everyFiveMinutes,
    workflow: 'maintainLexicon',
    summary: 'Keep the index of full text search',
    description: 'Looks every 10 s: folds the statistics of terms, and indexes documents that are not indexed yet.',
  },
  'learn-memories': {
    ...everyFiveMinutes,
    workflow: 'learnMemories',
    summary: 'Learn about users from conversations at rest',
    description:
      'Starts a workflow for each conversation that has rested for PERDURE_MEMORY_IDLE_SECONDS and has something new.',
  },
  'condense-memories': {
    ...everyFiveMinutes,
    timing: { every_seconds: 3600 },
    catch_up_seconds: 3600,
    time_out_seconds: 3500,
    workflow: 'condenseMemories',
    summary: 'Shorten what is remembered of users where it is over its cap',
    description: 'What was said within the last week stays as it is. Every version is kept and can be gone back to.',
    startsAtOnce: false,
  },
  'check-invariants': {
    timing: { every_seconds: 21_600 },
    overlap: 'skip',
    catch_up_seconds: 3600,
    time_out_seconds: 7200,
    workflow: 'checkInvariants',
    summary: 'Check the invariants of everything that is stored',
    description:
      'What `perdure check` does. A breach that is still there a moment later is logged, counted and announced.',
    startsAtOnce: false,
    hasDryRun: false,
  },
  'aggregate-usage': {
    timing: { every_seconds: 3600 },
    overlap: 'skip',
    catch_up_seconds: 3600,
    time_out_seconds: 1800,
    workflow: 'aggregateUsage',
    summary: 'Sum usage up by hour and day',
    description:
      'By workspace, agent, model, user and tool, from the single rows of the hours in which something changed.',
    startsAtOnce: false,
    hasDryRun: false,
  },
  'retain-data': {
    timing: { cron: '10 2 * * *', time_zone: 'UTC' },
    overlap: 'skip',
    catch_up_seconds: 3600,
    time_out_seconds: 10_800,
    workflow: 'retainData',
    summary: 'Drop what is older than it is kept',
    description:
      'By the setting PERDURE_RETENTION: texts of streams, deleted rows, exported histories, reports and others.',
    startsAtOnce: false,
    hasDryRun: true,
  },
} as const satisfies Record<string, MaintenanceSchedule>;

export type MaintenanceScheduleName = keyof typeof maintenanceSchedules;

/** Whether there is a schedule of that name. */
export function isMaintenanceSchedule(name: string): name is MaintenanceScheduleName {
  return Object.hasOwn(maintenanceSchedules, name);
}

/** The schedule that started the workflow of that id, to which Temporal appends the time of the run; null if none did. */
export function scheduleOf(workflowId: string): string | null {
  const name = /^(.+)-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.exec(workflowId)?.[1];
  return name !== undefined && (isMaintenanceSchedule(name) || sourceOf(name) !== null) ? name : null;
}

/** The source that the schedule of that name brings up to date; null for a name of another kind. */
export function sourceOf(name: string): string | null {
  return /^sync-schedule\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(name)?.[1] ?? null;
}
