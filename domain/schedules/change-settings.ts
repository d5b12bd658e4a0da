import type { ScheduleSettings } from '../../contracts/names/maintenance-schedules.ts';
import { shortestInterval } from './shortest-interval.ts';

/** Settings that are to become others; what is left out stays, but for a time-out that would no longer fit. */
export type SettingsChange = { [Name in keyof ScheduleSettings]?: ScheduleSettings[Name] | undefined };

// Temporal rounds a time-out up to whole seconds, so an interval must leave room for one.
const leastIntervalSeconds = 2;

/**
 * Changes the settings of a schedule. A run must end before the next is due, so that one that hangs holds up no other: a
 * time-out that is given and too long is a mistake, and one that is not given is cut to what a new timing allows.
 */
export function changeSettings(
  current: ScheduleSettings,
  change: SettingsChange,
): { settings: ScheduleSettings } | { path: string; mistake: string } {
  const timing = change.timing ?? current.timing;
  const interval = shortestInterval(timing);
  if (interval < leastIntervalSeconds)
    return { path: 'timing', mistake: `must leave at least ${leastIntervalSeconds} s between two runs` };
  const longest = Math.max(1, Math.floor(interval - Math.max(1, interval / 50)));
  const fitting = current.time_out_seconds < interval ? current.time_out_seconds : longest;
  const time_out_seconds = change.time_out_seconds ?? fitting;
  if (time_out_seconds >= interval)
    return {
      path: 'time_out_seconds',
      mistake: `must be below the shortest time between two runs, which is ${interval} s; ${longest} s at the most is wise`,
    };
  return {
    settings: {
      timing,
      overlap: change.overlap ?? current.overlap,
      catch_up_seconds: change.catch_up_seconds ?? current.catch_up_seconds,
      time_out_seconds,
    },
  };
}
