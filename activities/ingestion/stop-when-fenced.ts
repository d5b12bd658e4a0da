import { holdGeneration } from '../../entities/documents/document-generation-repository.ts';
import type { IngestionDeps } from './ingestion-deps.ts';
import { generationFenced } from './ingestion-failure.ts';
import type { Step } from './run-step.ts';

const lookEveryMs = 1000;

/**
 * Runs work of a step that hears of a cancel late, because it runs within a workflow task: looks now and then whether the
 * generation has ended, which every cancel and delete does first, and stops the work if so.
 */
export async function stopWhenFenced<T>(
  database: IngestionDeps['database'],
  step: Step,
  work: (step: Step) => Promise<T>,
): Promise<T> {
  const fence = new AbortController();
  let isDone = false;
  let timer: NodeJS.Timeout;
  const look = async () => {
    const { run } = step;
    // A look that fails proves nothing; the work's own transactions will tell.
    const isHeld = await database.inWorkspace(run.workspaceId, (em) => holdGeneration(em, run)).catch(() => true);
    if (isDone) return;
    if (!isHeld) fence.abort(generationFenced());
    else timer = setTimeout(() => void look(), lookEveryMs);
  };
  timer = setTimeout(() => void look(), lookEveryMs);
  try {
    return await work({ ...step, signal: AbortSignal.any([step.signal, fence.signal]) });
  } catch (error) {
    if (fence.signal.aborted && !step.signal.aborted) throw fence.signal.reason;
    throw error;
  } finally {
    isDone = true;
    clearTimeout(timer);
  }
}
