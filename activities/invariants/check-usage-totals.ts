import { findDifferingDays, findDifferingHours } from '../../entities/usage/usage-total-repository.ts';
import type { Check } from './breach.ts';

/** Invariant 10: the sums of usage by hour are those of the single rows, and those by day are those of the hours. */
export const checkUsageTotals: Check = async ({ em }) => {
  const hours = await findDifferingHours(em, null);
  const days = await findDifferingDays(em);
  const told = (grain: string, of: string) => (row: (typeof hours)[number]) => ({
    invariant: 10,
    entity: 'workspace',
    id: row.workspaceId,
    detail: `usage of the ${grain} from ${row.hour.toISOString()} is summed up as ${row.summed}, and its ${of} come to ${row.rows}`,
  });
  return [...hours.map(told('hour', 'rows')), ...days.map(told('day', 'hours'))];
};
