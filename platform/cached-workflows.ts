// Each of a worker's ten pollers for the tasks of workflows that it keeps may hold a place for up to a minute; with as few
// places as that, a conversation that is new to it waited for 50 s (measured). Four times as many left nobody waiting.
const least = 40;
// What the SDK allows for the rest of a worker, and for each workflow that it keeps.
const restMb = 200;
const workflowsPerGb = 600;

/**
 * How many workflows a worker keeps in memory with a heap of `heapBytes` at the most: as many as Temporal's SDK keeps, but
 * more than its pollers may hold for themselves. What it does not keep is replayed from its history.
 */
export function cachedWorkflows(heapBytes: number): number {
  const mb = Math.max(heapBytes / 1024 ** 2 - restMb, 0);
  return Math.max(Math.floor((mb * workflowsPerGb) / 1024), least);
}
