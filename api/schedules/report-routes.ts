import { pageOf } from '../../contracts/page.ts';
import { maintenanceReportSchema, reportsQuerySchema, type MaintenanceReport } from '../../contracts/schedule.ts';
import { listReports, type StoredReport } from '../../entities/maintenance/maintenance-report-repository.ts';
import { readCursor, toPage, uuidCursor } from '../framework/page.ts';
import { presentOptionalTime, presentTime } from '../framework/present-time.ts';
import { defineRoute, type RouteDeps } from '../framework/route.ts';

/** Routes of the reports of maintenance. */
export const reportRoutes = [
  defineRoute({
    method: 'GET',
    path: '/maintenance-reports',
    tag: 'Maintenance',
    summary: 'What runs of maintenance saw, decided and did, newest first',
    description:
      'Reports about this workspace, and for keys that operate the server those about all of it. Frequent tasks report only ' +
      'where they saw or did something.',
    scope: 'maintenance:read',
    query: reportsQuerySchema,
    responses: { 200: pageOf(maintenanceReportSchema) },
    handle: async ({ query, principal: { workspaceId } }, deps) => {
      const filter = {
        task: query.task ?? null,
        schedule: query.schedule ?? null,
        state: query.state ?? null,
        workflowId: query.workflow_id ?? null,
        beforeId: readCursor(query.cursor, uuidCursor),
        limit: query.limit + 1,
      };
      const withServer = await deps.schedules.operates(workspaceId);
      const rows = withServer
        ? await deps.database.asOperator((em) => listReports(em, { workspaceId, withServer }, filter))
        : await deps.database.inWorkspace(workspaceId, (em) => listReports(em, { workspaceId, withServer }, filter));
      return { status: 200, body: toPage(rows, query.limit, ({ id }) => id, present(deps)) };
    },
  }),
];

const present =
  (deps: Pick<RouteDeps, 'historyUrl'>) =>
  (row: StoredReport): MaintenanceReport => ({
    id: row.id,
    is_of_server: row.isOfServer,
    task: row.task,
    subject: row.subject === '' ? null : row.subject,
    schedule: row.schedule,
    state: row.state,
    saw: row.saw,
    decided: row.decided,
    reason: row.reason,
    did: row.did,
    error: row.error,
    workflow_id: row.workflowId,
    run_id: row.runId,
    history_url: deps.historyUrl(row.workflowId, row.runId),
    started_at: presentTime(row.startedAt),
    finished_at: presentOptionalTime(row.finishedAt),
  });
