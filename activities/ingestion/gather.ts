import { setImmediate } from 'node:timers/promises';

/**
 * Lets those who come while the work for others is under way have it done for all of them at once, at most `most`. Where it
 * fails for several it is done for each alone, so that none fails for another's sake.
 */
export function gather<Item, Result>(
  most: number,
  work: (items: readonly Item[]) => Promise<readonly Result[]>,
): (item: Item) => Promise<Result> {
  type Waiting = { item: Item; resolve(result: Result): void; reject(error: unknown): void };
  const waiting: Waiting[] = [];
  let isWorking = false;

  async function serve(served: readonly Waiting[]): Promise<void> {
    try {
      const results = await work(served.map(({ item }) => item));
      for (const [index, { resolve }] of served.entries()) resolve(results[index]!);
    } catch (error) {
      if (served.length === 1) served[0]!.reject(error);
      else for (const one of served) await serve([one]);
    }
  }

  async function serveAll(): Promise<void> {
    isWorking = true;
    // Those who come in the same turn are served together.
    await setImmediate();
    while (waiting.length > 0) await serve(waiting.splice(0, most));
    isWorking = false;
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (!isWorking) void serveAll();
    });
}
