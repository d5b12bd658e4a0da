import { setTimeout as sleep } from 'node:timers/promises';
import { PerdureError } from '../../../contracts/errors.ts';
import { query } from '../../../entities/sql.ts';
import type { ProxiedStack } from './proxied-stack.ts';

/** Reads rows past the proxies, and waits where the database itself is what was hit. */
export async function queryPastHits<T>(
  stack: Pick<ProxiedStack, 'database'>,
  text: string,
  parameters: readonly unknown[],
): Promise<T[]> {
  for (;;) {
    try {
      return await stack.database.asOperator((em) => query<T>(em, text, parameters));
    } catch (error) {
      if (!(error instanceof PerdureError) || error.code !== 'unavailable') throw error;
      await sleep(100);
    }
  }
}
