import { Context } from '@temporalio/activity';
import { defaultRetention, type RetainedKind, type RetentionPolicy } from '../../contracts/names/retention.ts';
import type { RetainDataInput } from '../../contracts/names/workflows.ts';
import {
  countExpired,
  countUsageRows,
  dropExpired,
  dropRetiredUsageRows,
  retireUsageRows,
} from '../../entities/maintenance/retention-repository.ts';
import { listWorkspacesWithUsage, sumUpUsage } from '../../entities/usage/usage-total-repository.ts';
import type { Database } from '../../platform/database.ts';
import { withReport } from './with-report.ts';

/** What retention is made with. */
export type RetainDataDeps = { database: Database; retention: RetentionPolicy };

/** How many things of each kind were too old, and how many of them were dropped. */
export type RetainedData = { expired: Record<string, number>; dropped: Record<string, number> };

const dayMs = 86_400_000;
// About a second of deletes; an evaluation or a document takes thousands of rows with it.
const atOnce: Readonly<Record<RetainedKind, number>> = {
  turn_events: 100,
  deleted_documents: 20,
  deleted_conversations: 20,
  deleted_evaluations: 1,
  evaluation_histories: 50,
  audit_log: 1000,
  maintenance_reports: 1000,
  memory_lessons: 1000,
  webhook_deliveries: 1000,
  usage_rows: 2000,
};

/**
 * Drops what is older than the policy keeps it, in small transactions; a dry run counts and changes nothing. Interrupted
 * anywhere, the next attempt goes on with what is left.
 */
export function createRetainData(deps: RetainDataDeps): (input: RetainDataInput) => Promise<RetainedData> {
  return async function retainData({ dryRun }) {
    return withReport(deps, { task: 'retain-data', announced: true }, async () => {
      const now = Date.now();
      const result: RetainedData = { expired: {}, dropped: {} };
      for (const kind of Object.keys(defaultRetention) as RetainedKind[]) {
        const days = deps.retention[kind];
        if (days === null) continue;
        const before = new Date(now - days * dayMs);
        result.expired[kind] = await countOf(deps.database, kind, before);
        if (!dryRun && result.expired[kind] > 0) result.dropped[kind] = await drop(deps.database, kind, before);
      }
      const isIdle = Object.values(result.expired).every((count) => count === 0);
      return {
        result,
        finding: {
          saw: { keeps_days: deps.retention, expired: result.expired },
          decided: dryRun ? 'dry_run' : isIdle ? 'nothing' : 'delete',
          reason: dryRun
            ? 'This was a dry run: what is expired would have been deleted.'
            : isIdle
              ? 'Nothing is older than it is kept.'
              : 'These are older than they are kept.',
          did: result.dropped,
        },
      };
    });
  };
}

function countOf(database: Database, kind: RetainedKind, before: Date): Promise<number> {
  beat();
  return database.asOperator((em) =>
    kind === 'usage_rows' ? countUsageRows(em, before) : countExpired(em, kind, before),
  );
}

async function drop(database: Database, kind: RetainedKind, before: Date): Promise<number> {
  if (kind === 'usage_rows') await retire(database, before);
  let dropped = 0;
  for (;;) {
    beat();
    const count = await database.asOperator((em) =>
      kind === 'usage_rows' ? dropRetiredUsageRows(em, atOnce[kind]) : dropExpired(em, kind, before, atOnce[kind]),
    );
    if (count === 0) return dropped;
    dropped += count;
  }
}

/** Lets the sums of a workspace stand for its old rows, once they are made and were compared with them. */
async function retire(database: Database, before: Date): Promise<void> {
  for (const workspaceId of await database.asOperator(listWorkspacesWithUsage)) {
    beat();
    await database.asOperator(async (em) => {
      await sumUpUsage(em, workspaceId);
      const isEqual = await retireUsageRows(em, workspaceId, before);
      if (!isEqual)
        Context.current().log.warn('usage rows are kept: their sums are not equal to them', { workspace: workspaceId });
    });
  }
}

function beat(): void {
  const context = Context.current();
  context.cancellationSignal.throwIfAborted();
  if (!context.info.isLocal) context.heartbeat();
}
