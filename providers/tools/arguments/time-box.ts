import vm from 'node:vm';

/** Thrown when work was stopped because it took too long. */
export class TimeBoxError extends Error {}

const box: { work: () => unknown } = { work: () => null };
const context = vm.createContext(box);
const script = new vm.Script('work()');

/**
 * Runs synchronous work and stops it after `milliseconds`, also in the middle of a regular expression, so that nothing
 * that a schema says can hold up a process.
 * @throws TimeBoxError, or what the work throws.
 */
export function runWithin<T>(milliseconds: number, work: () => T): T {
  const outer = box.work;
  box.work = work;
  try {
    return script.runInContext(context, { timeout: milliseconds }) as T;
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    throw new TimeBoxError(`The work was stopped after ${milliseconds} ms.`);
  } finally {
    box.work = outer;
  }
}
