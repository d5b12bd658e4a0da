import { describe, expect, test } from '@jest/globals';
import { maintenanceSchedules, type ScheduleSettings } from '../../../contracts/names/maintenance-schedules.ts';
import { changeSettings } from '../../../domain/schedules/change-settings.ts';
import { shortestInterval } from '../../../domain/schedules/shortest-interval.ts';

const current: ScheduleSettings = {
  timing: { every_seconds: 600 },
  overlap: 'skip',
  catch_up_seconds: 600,
  time_out_seconds: 590,
};

describe('the shortest time between two runs', () => {
  test.each([
    ['0 3 * * *', 'UTC', 24 * 3600],
    ['0 3 * * *', 'Europe/Zurich', 23 * 3600],
    ['*/15 * * * *', 'UTC', 15 * 60],
    ['*/15 * * * *', 'Europe/Zurich', 15 * 60],
    ['0,10 8-18 * * mon-fri', 'UTC', 10 * 60],
    ['30 */6 * * *', 'UTC', 6 * 3600],
    ['59 23 * * *', 'UTC', 24 * 3600],
    ['0 22,2 * * *', 'UTC', 4 * 3600],
    ['5/20 * * * *', 'UTC', 20 * 60],
    ['0 0 1 * *', 'UTC', 24 * 3600],
    ['* * * * *', 'UTC', 60],
  ])('of %s in %s', (cron, time_zone, seconds) => {
    expect(shortestInterval({ cron, time_zone })).toBe(seconds);
  });
});

describe('a change of settings', () => {
  test('keeps what is left out', () => {
    expect(changeSettings(current, { overlap: 'buffer_one' })).toEqual({
      settings: { ...current, overlap: 'buffer_one' },
    });
  });

  test('R40: cuts a time-out that no longer fits, so that a run that hangs holds up one run at the most', () => {
    const changed = changeSettings(current, { timing: { every_seconds: 60 } });
    expect(changed).toEqual({ settings: { ...current, timing: { every_seconds: 60 }, time_out_seconds: 58 } });
  });

  test.each([
    [{ time_out_seconds: 600 }, 'time_out_seconds', /below .* 600 s/],
    [{ timing: { every_seconds: 1 } }, 'timing', /2 s between/],
    [{ timing: { cron: '*/5 * * * *', time_zone: 'UTC' }, time_out_seconds: 300 }, 'time_out_seconds', /300 s/],
  ])('R40: refuses %j', (change, path, mistake) => {
    expect(changeSettings(current, change)).toEqual({ path, mistake: expect.stringMatching(mistake) });
  });

  test.each(Object.entries(maintenanceSchedules))(
    'R40: the schedule %s times out before it is due again',
    (_name, it) => {
      expect(it.time_out_seconds).toBeLessThan(shortestInterval(it.timing));
      expect(changeSettings(it, {})).toHaveProperty('settings');
    },
  );
});
