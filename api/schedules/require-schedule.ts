import { PerdureError } from '../../contracts/errors.ts';
import { isMaintenanceSchedule, type MaintenanceScheduleName } from '../../contracts/names/maintenance-schedules.ts';
import type { RouteDeps } from '../framework/route.ts';
import type { Principal } from '../framework/scope.ts';
import { notFound } from '../framework/validate-request.ts';

/** The schedule of that name. @throws PerdureError `not_found`. */
export function requireSchedule(name: string): MaintenanceScheduleName {
  if (!isMaintenanceSchedule(name)) throw notFound('schedule');
  return name;
}

/** @throws PerdureError `forbidden` where the key's workspace does not operate the server. */
export async function requireOperator(deps: RouteDeps, principal: Principal): Promise<void> {
  if (await deps.schedules.operates(principal.workspaceId)) return;
  throw new PerdureError(
    'forbidden',
    'Schedules serve all workspaces of this server. Use a key of the workspace that PERDURE_OPERATOR_WORKSPACE names.',
  );
}
