import { searchAttributeNames } from '../../contracts/names/search-attributes.ts';
import { taskQueues } from '../../contracts/names/task-queues.ts';
import { StartError } from '../../platform/start-error.ts';
import { connectTemporal } from '../../platform/temporal-client.ts';
import type { TemporalClient } from '../../platform/temporal-client.ts';
import { failed, ok, warning } from './finding.ts';
import type { Finding } from './finding.ts';

const wantedDays = 30;
const secondsPerDay = 86_400;
/** A poll lasts a minute at the most, so a worker that has not asked for longer is gone. */
const freshPollMs = 75_000;

/** Looks at Temporal: reachable, histories kept long enough, search attributes there, and workers on every queue. */
export async function checkTemporalServer(): Promise<Finding[]> {
  let temporal: TemporalClient;
  try {
    temporal = await connectTemporal([]);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return [failed('temporal', 'not usable', error.message)];
  }
  try {
    const { serverVersion } = await temporal.connection.workflowService.getSystemInfo({});
    return [
      ok('temporal', `server ${serverVersion}, namespace ${temporal.namespace}`),
      await checkRetention(temporal),
      await checkSearchAttributes(temporal),
      ...(await Promise.all(Object.values(taskQueues).map((queue) => checkWorkers(temporal, queue)))),
    ];
  } finally {
    await temporal.connection.close();
  }
}

async function checkRetention({ connection, namespace }: TemporalClient): Promise<Finding> {
  const { config } = await connection.workflowService.describeNamespace({ namespace });
  const days = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) / secondsPerDay;
  if (days >= wantedDays) return ok('retention', `histories are kept ${days} days`);
  const advice = `temporal operator namespace update --namespace ${namespace} --retention ${wantedDays}d`;
  return warning('retention', `histories are kept ${days} days; an audit wants ${wantedDays}`, advice);
}

async function checkSearchAttributes({ connection, namespace }: TemporalClient): Promise<Finding> {
  const name = 'search attributes';
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    const missing = searchAttributeNames.filter((attribute) => customAttributes?.[attribute] === undefined);
    if (missing.length === 0) return ok(name, `${searchAttributeNames.length} registered`);
    const flags = missing.map((attribute) => `--name ${attribute} --type Keyword`).join(' ');
    const advice = `temporal operator search-attribute create --namespace ${namespace} ${flags}`;
    return failed(name, `missing: ${missing.join(', ')}`, advice);
  } catch {
    const advice = `Look in the console of your Temporal service for ${searchAttributeNames.join(', ')}, all Keyword.`;
    return warning(name, 'this login may not list them', advice);
  }
}

async function checkWorkers({ connection, namespace }: TemporalClient, queue: string): Promise<Finding> {
  const polls = await Promise.all(
    // TASK_QUEUE_TYPE_WORKFLOW and TASK_QUEUE_TYPE_ACTIVITY of Temporal's protocol.
    [1, 2].map((taskQueueType) =>
      connection.workflowService.describeTaskQueue({ namespace, taskQueue: { name: queue }, taskQueueType }),
    ),
  );
  const latest = polls.map(({ pollers }) =>
    Math.max(0, ...(pollers ?? []).map((poller) => Number(poller.lastAccessTime?.seconds ?? 0) * 1000)),
  );
  const name = `worker ${queue}`;
  if (latest.every((time) => Date.now() - time < freshPollMs)) return ok(name, 'polls');
  return failed(name, 'nobody polls this queue', `Start a worker whose PERDURE_QUEUES has ${queue}, or "npm start".`);
}
