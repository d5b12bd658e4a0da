const everyMs = 1000;

/** Tells when the supervisor should stop. */
export interface End {
  signal: AbortSignal;
  reached: Promise<void>;
}

/**
 * Ends on SIGINT, SIGTERM and SIGHUP, and when the process that started this one is gone: killed with -9, a launcher
 * passes no signal on, and nobody would be left to stop the servers.
 */
export function watchForEnd(env: NodeJS.ProcessEnv): End {
  const controller = new AbortController();
  const end = (reason: string) => controller.abort(new Error(reason));
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => end(`Stopped by ${name}.`));
  process.once('disconnect', () => end('Stopped: the process that started this one is gone.'));
  const parent = process.ppid;
  if (env.npm_lifecycle_event !== undefined) {
    // Only under npm: a supervisor that a service manager or a shell put into the background may well change its parent.
    setInterval(() => {
      if (process.ppid !== parent) end('Stopped: npm is gone.');
    }, everyMs).unref();
  }
  const { signal } = controller;
  return {
    signal,
    reached: new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
  };
}
