import { PerdureError } from '../../contracts/errors.ts';
import {
  isMaintenanceSchedule,
  sourceOf,
  type MaintenanceScheduleName,
} from '../../contracts/names/maintenance-schedules.ts';
import { listScheduledSources, type ScheduledSource } from '../../entities/sources/scheduled-source-repository.ts';
import type { RouteDeps } from '../framework/route.ts';
import type { Principal } from '../framework/scope.ts';
import { notFound } from '../framework/validate-request.ts';

/** A schedule that a key may see: of the server's maintenance, or of a source of its workspace. */
export type KnownSchedule = { name: MaintenanceScheduleName; source: null } | { name: string; source: ScheduledSource };

/** The schedule of that name. @throws PerdureError `not_found`. */
export async function requireSchedule(deps: RouteDeps, principal: Principal, name: string): Promise<KnownSchedule> {
  if (isMaintenanceSchedule(name)) return { name, source: null };
  const id = sourceOf(name);
  if (id === null) throw notFound('schedule');
  const [source] = await deps.database.inWorkspace(principal.workspaceId, (em) => listScheduledSources(em, id));
  if (!source) throw notFound('schedule');
  return { name, source };
}

/**
 * The same, for whoever changes it.
 * @throws PerdureError `forbidden` where it is the server's, and the key's workspace does not operate that.
 */
export async function requireOwnSchedule(deps: RouteDeps, principal: Principal, name: string): Promise<KnownSchedule> {
  const known = await requireSchedule(deps, principal, name);
  if (known.source !== null || (await deps.schedules.operates(principal.workspaceId))) return known;
  throw new PerdureError(
    'forbidden',
    'This schedule serves all workspaces. Use a key of the workspace that PERDURE_OPERATOR_WORKSPACE names.',
  );
}

/** The same, for whoever changes its settings. @throws PerdureError `conflict` for the schedule of a source. */
export async function requireSettings(
  deps: RouteDeps,
  principal: Principal,
  name: string,
): Promise<MaintenanceScheduleName> {
  const known = await requireOwnSchedule(deps, principal, name);
  if (known.source === null) return known.name;
  throw new PerdureError(
    'conflict',
    `When this source is brought up to date is part of its configuration: PATCH /knowledge-sources/${known.source.id}.`,
  );
}
