import type { ReadinessCheck } from '../../contracts/health.ts';
import { taskQueues } from '../../contracts/names/task-queues.ts';
import { query } from '../../entities/sql.ts';
import type { ApiDeps } from '../api-deps.ts';
import { requirePollers } from './require-pollers.ts';

const timeoutMs = 2_000;

/** Probes are open without a key, so answers are shared: at most one round of checks a second, however many ask. */
const sharedMs = 1_000;
const shared = new WeakMap<ApiDeps, { at: number; checks: Promise<ReadinessCheck[]> }>();

/** The state of each part that serving needs: the database, Temporal, and workers on the chat and ingest queues. */
export function checkReadiness(deps: ApiDeps): Promise<ReadinessCheck[]> {
  const earlier = shared.get(deps);
  if (earlier && performance.now() - earlier.at < sharedMs) return earlier.checks;
  const checks = Promise.all([
    check('database', 'PostgreSQL answers', () => deps.database.asOperator((em) => query(em, 'select 1'))),
    check('temporal', 'Temporal answers', () =>
      deps.temporal.workflowService.describeNamespace({ namespace: deps.temporal.options.namespace }),
    ),
    check('worker_chat', 'a worker polls the queue chat', () => requirePollers(deps, taskQueues.chat)),
    check('worker_ingest', 'a worker polls the queue ingest', () => requirePollers(deps, taskQueues.ingest)),
  ]);
  shared.set(deps, { at: performance.now(), checks });
  return checks;
}

const advice: Record<ReadinessCheck['name'], string> = {
  database: 'PostgreSQL does not answer. Look at its log and at DATABASE_URL.',
  temporal: 'Temporal does not answer. Look at its log and at TEMPORAL_ADDRESS.',
  worker_chat: 'No worker polls the queue chat. Start a worker whose PERDURE_QUEUES has chat.',
  worker_ingest: 'No worker polls the queue ingest. Start a worker whose PERDURE_QUEUES has ingest.',
};

async function check(
  name: ReadinessCheck['name'],
  good: string,
  probe: () => Promise<unknown>,
): Promise<ReadinessCheck> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), timeoutMs);
  });
  try {
    await Promise.race([probe(), late]);
    return { name, state: 'up', detail: good };
  } catch {
    return { name, state: 'down', detail: advice[name] };
  } finally {
    clearTimeout(timer);
  }
}
