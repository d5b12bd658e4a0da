import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { readLastSight } from '../../entities/maintenance/maintenance-report-repository.ts';
import type { Database } from '../../platform/database.ts';
import type { Metrics } from '../../platform/telemetry/metrics.ts';
import { currentRun, withReport } from '../upkeep/with-report.ts';
import type { Breach, WorkflowStates } from './breach.ts';
import { invariants } from './check-invariants.ts';

/** What the check of invariants is made with. */
export type CheckDeps = {
  database: Database;
  workflows: WorkflowStates;
  metrics: Pick<Metrics, 'invariantBroken'>;
  /** What still looks broken after this long is broken; 15 s if not given. */
  confirmAfterMs?: number;
  /** Tells whoever wants to know of breaches that the last check had not found; twice under one key is once. */
  announceBreaches(key: string, breaches: readonly Breach[]): Promise<void>;
};

/** What came of it. */
export type CheckVerdict = { breaches: number; fresh: number };

const task = 'check-invariants';
const graceSeconds = 60;
// What is written while it is looked at looks broken for a moment.
const usualConfirmAfterMs = 15_000;
const mostReported = 50;

/**
 * Checks every invariant, looks again at what seems broken, and reports it; breaches are counted and logged as errors, and
 * announced when they are new. Reads only, so it may be run again at any time.
 */
export function createCheckInvariants(deps: CheckDeps): () => Promise<CheckVerdict> {
  return async function checkInvariants() {
    return withReport(deps, { task, announced: true }, async () => {
      const suspected = await look(deps, new Set(invariants.map(({ number }) => number)));
      const breaches = suspected.length === 0 ? [] : await confirm(deps, suspected);
      const known = knownBreaches(await deps.database.asOperator((em) => readLastSight(em, task)));
      const fresh = breaches.filter((breach) => !known.has(nameOf(breach)));
      for (const breach of breaches) {
        deps.metrics.invariantBroken(breach.invariant);
        Context.current().log.error('an invariant is broken', { ...breach });
      }
      if (fresh.length > 0) await deps.announceBreaches(currentRun().runId, fresh);
      return {
        result: { breaches: breaches.length, fresh: fresh.length },
        finding: {
          saw: { checked: invariants.length, breaches: breaches.slice(0, mostReported), count: breaches.length },
          decided: breaches.length === 0 ? 'nothing' : 'alert',
          reason:
            breaches.length === 0
              ? 'Every invariant holds.'
              : `${breaches.length} things are not as they must be; "perdure check" shows all of them.`,
          did: breaches.length === 0 ? {} : { logged: breaches.length, announced: fresh.length },
        },
      };
    });
  };
}

async function look(deps: CheckDeps, numbers: ReadonlySet<number>): Promise<Breach[]> {
  const context = Context.current();
  const breaches: Breach[] = [];
  for (const { number, check } of invariants) {
    if (!numbers.has(number)) continue;
    context.cancellationSignal.throwIfAborted();
    const beat = setInterval(() => context.heartbeat(), 2000);
    try {
      breaches.push(...(await deps.database.asOperator((em) => check({ em, temporal: deps.workflows, graceSeconds }))));
    } finally {
      clearInterval(beat);
    }
  }
  return breaches;
}

async function confirm(deps: CheckDeps, suspected: readonly Breach[]): Promise<Breach[]> {
  const { cancellationSignal, heartbeat } = Context.current();
  const end = Date.now() + (deps.confirmAfterMs ?? usualConfirmAfterMs);
  for (; Date.now() < end; heartbeat()) await sleep(1000, undefined, { signal: cancellationSignal });
  const again = await look(deps, new Set(suspected.map(({ invariant }) => invariant)));
  const before = new Set(suspected.map(nameOf));
  return again.filter((breach) => before.has(nameOf(breach)));
}

const nameOf = ({ invariant, entity, id }: Breach): string => `${invariant} ${entity} ${id}`;

function knownBreaches(sight: Record<string, unknown> | null): ReadonlySet<string> {
  const breaches = sight?.['breaches'];
  return new Set(Array.isArray(breaches) ? (breaches as Breach[]).map(nameOf) : []);
}
