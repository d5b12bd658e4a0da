import type { ScheduleSettings } from '../../contracts/names/maintenance-schedules.ts';

/**
 * The least time in seconds between two runs. Of a cron expression (five fields, checked before) it is a lower bound: that
 * of hours and minutes, as if every day were meant, and in a zone whose clocks may be put forward an hour less.
 */
export function shortestInterval(timing: ScheduleSettings['timing']): number {
  if ('every_seconds' in timing) return timing.every_seconds;
  const [minutes = '*', hours = '*'] = timing.cron.trim().split(/\s+/);
  const atMinutes = valuesOf(minutes, 59);
  const times = valuesOf(hours, 23).flatMap((hour) => atMinutes.map((minute) => hour * 60 + minute));
  const gaps = times.map((time, index) => (times[index + 1] ?? times[0]! + 24 * 60) - time);
  const least = Math.min(...gaps);
  return (timing.time_zone !== 'UTC' && least > 60 ? least - 60 : least) * 60;
}

/** The values that a field of a cron expression stands for, from 0 to `most`, in ascending order. */
function valuesOf(field: string, most: number): number[] {
  const values = new Set<number>();
  for (const part of field.split(',')) {
    const [, from = '*', to, step] = /^(\*|\d+)(?:-(\d+))?(?:\/(\d+))?$/.exec(part) ?? [];
    const first = from === '*' ? 0 : Number(from);
    const last = to !== undefined ? Number(to) : from === '*' || step !== undefined ? most : first;
    for (let value = first; value <= last; value += Number(step ?? 1)) values.add(value);
  }
  return [...values].sort((a, b) => a - b);
}
