import path from 'node:path';
import type { LaunchPlan } from '../../platform/embedded/launch-plan.ts';
import { checkout } from '../setup/installation.mjs';

/** How to run one of the product's own processes; `isReady` says when it serves. */
export function planNodeProcess(name: 'api' | 'worker', isReady: () => Promise<boolean>): LaunchPlan {
  return {
    name,
    command: process.execPath,
    args: [path.join(checkout, name === 'api' ? 'server.ts' : 'worker.ts')],
    env: {},
    cwd: checkout,
    stopSignal: 'SIGTERM',
    // What a worker does not finish in this time is done again by the next one.
    stopTimeoutMs: 3000,
    readyTimeoutMs: 60_000,
    // Temporal remembers a dead worker's polling for minutes, so the new one has to speak for itself first.
    ...(name === 'worker' ? { readyText: 'worker is polling' } : {}),
    isReady,
  };
}

/** Whether the address answers 200 within two seconds. */
export async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}
