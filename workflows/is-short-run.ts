import { patched, workflowInfo } from '@temporalio/workflow';

const shortMs = 30_000;

/**
 * Whether the run may last so shortly, by its schedule, that a step of its own which dies would not be noticed in time to be
 * done again.
 */
export function isShortRun(): boolean {
  const { executionTimeoutMs = Infinity } = workflowInfo();
  return executionTimeoutMs < shortMs && patched('short-runs');
}
