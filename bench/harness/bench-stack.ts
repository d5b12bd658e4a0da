import { randomInt } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cacheDirectory } from '../../scripts/setup/installation.mjs';
import { startStack } from '../../scripts/supervisor/start-stack.ts';
import type { ProcessName } from '../../scripts/supervisor/run-file.ts';
import type { Stack } from '../../scripts/supervisor/stack.ts';

/**
 * Runs `work` against servers of its own in a folder that is removed afterwards, or in `home`, which is kept; the fetched programs and the weights are
 * shared with the checkout. Ports are free ones away from the usual, so a running Perdure is not disturbed.
 */
export async function withBenchStack<T>(
  options: { processes: readonly ProcessName[]; env?: NodeJS.ProcessEnv; home?: string | null },
  work: (stack: Stack) => Promise<T>,
): Promise<T> {
  const kept = options.home ?? null;
  const home = kept ?? (await mkdtemp(path.join(tmpdir(), 'perdure-bench-')));
  await mkdir(home, { recursive: true });
  const env = { ...process.env, ...options.env };
  // The user's own servers and accounts are not for measuring on.
  for (const name of ['DATABASE_URL', 'TEMPORAL_ADDRESS', 'OPENAI_API_KEY', 'OPENAI_BASE_URL']) delete env[name];
  const abort = new AbortController();
  const interrupt = () => abort.abort(new Error('The bench was interrupted.'));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  // Ports of its own each time: a worker that a killed bench left behind would take the next one's work.
  const port = 24_000 + 10 * randomInt(400);
  try {
    const stack = await startStack({
      home,
      cache: cacheDirectory(process.env),
      env,
      processes: options.processes,
      ports: { postgres: port, temporal: port + 2, temporalUi: port + 4, api: port + 6 },
      signal: abort.signal,
    });
    try {
      const interrupted = new Promise<never>((_, reject) => {
        abort.signal.addEventListener('abort', () => reject(abort.signal.reason as Error));
      });
      return await Promise.race([work(stack), interrupted]);
    } finally {
      await stack.stop();
    }
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    if (kept === null) await rm(home, { recursive: true, force: true });
  }
}
