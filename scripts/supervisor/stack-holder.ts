import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { findOrphans } from './find-orphans.ts';
import type { HeldStackOptions, HolderMessage } from './hold-stack.ts';
import { readRunFile } from './run-file.ts';
import { startStack } from './start-stack.ts';

/** Runs the stack that the first message describes until the process at the other end is gone. */
process.once('message', (options: HeldStackOptions) => void hold(options));

async function hold(options: HeldStackOptions): Promise<void> {
  const gone = new AbortController();
  process.once('disconnect', () => gone.abort(new Error('The process that wanted these servers is gone.')));
  // Ended politely by someone else: the servers go too.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.disconnect());
  try {
    const stack = await startStack({ ...options, signal: gone.signal });
    if (!gone.signal.aborted) {
      tell({ kind: 'ready', urls: stack.urls, env: stack.env });
      await new Promise((resolve) => gone.signal.addEventListener('abort', resolve, { once: true }));
    }
    await stack.stop();
    if (options.nested !== undefined) await endNested(options.nested);
  } catch (error) {
    tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  } finally {
    if (options.throwAway) rmSync(options.home, { recursive: true, force: true });
    if (process.connected) process.disconnect();
  }
}

async function endNested(folder: string): Promise<void> {
  const homes = readdirSync(folder).map((name) => path.join(folder, name));
  const nothing = { postgres: false, temporal: false };
  await Promise.all(homes.map((home) => findOrphans(home, readRunFile(home), nothing, () => {})));
}

function tell(message: HolderMessage): void {
  if (process.connected) process.send?.(message);
}
