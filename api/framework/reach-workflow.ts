import { PerdureError } from '../../contracts/errors.ts';
import type { RouteDeps } from './route.ts';

/**
 * Tells a workflow what no row says, so that no sweep would tell it later: who asked must hear if it could not be told.
 * @throws PerdureError `unavailable`; `consequence` says what that means
 */
export async function reachWorkflow<T>(
  { log }: Pick<RouteDeps, 'log'>,
  tell: () => Promise<T>,
  consequence: string,
): Promise<T> {
  try {
    return await tell();
  } catch (error) {
    log.warn({ err: error }, 'a workflow could not be told');
    throw new PerdureError('unavailable', `Temporal could not be reached in time: ${consequence}. Ask again.`);
  }
}
