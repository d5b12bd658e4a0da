import pg from 'pg';

/** Wakes subscribers by PostgreSQL's LISTEN; one connection serves a whole process. */
export interface NotificationListener {
  /**
   * Calls `wake` with the payload of each notification on `channel`, and with null after a reconnection, when anything
   * may have been missed. Returns what ends the subscription.
   */
  subscribe(channel: string, wake: (payload: string | null) => void): () => void;
  close(): Promise<void>;
}

const heartbeatMs = 10_000;
const heartbeatTimeoutMs = 5_000;
const firstDelayMs = 100;
const longestDelayMs = 2_000;

type Wake = (payload: string | null) => void;

/**
 * Listens on `channels` until closed, and connects again whenever the connection is lost, also when it is lost silently.
 * A wake-up is a hint: what it is about is read from the tables.
 */
export function createNotificationListener(options: {
  connectionString: string;
  channels: readonly string[];
  applicationName: string;
}): NotificationListener {
  const subscribers = new Map<string, Set<Wake>>(options.channels.map((channel) => [channel, new Set<Wake>()]));
  const stop = new AbortController();
  const wakeAll = (): void => subscribers.forEach((wakes) => wakes.forEach((wake) => wake(null)));
  const running = keepListening();

  async function keepListening(): Promise<void> {
    let delay = firstDelayMs;
    while (!stop.signal.aborted) {
      const began = performance.now();
      await listenOnce().catch(() => {});
      if (performance.now() - began > longestDelayMs) delay = firstDelayMs;
      await sleep(delay, stop.signal);
      delay = Math.min(delay * 2, longestDelayMs);
    }
  }

  async function listenOnce(): Promise<void> {
    const client = new pg.Client({
      connectionString: options.connectionString,
      application_name: options.applicationName,
      keepAlive: true,
      connectionTimeoutMillis: heartbeatTimeoutMs,
      query_timeout: heartbeatTimeoutMs,
    });
    const lost = new AbortController();
    client.on('error', () => lost.abort()).on('end', () => lost.abort());
    client.on('notification', ({ channel, payload }) => {
      subscribers.get(channel)?.forEach((wake) => wake(payload ?? ''));
    });
    try {
      await client.connect();
      for (const channel of options.channels) await client.query(`listen ${pg.escapeIdentifier(channel)}`);
      wakeAll();
      const ended = AbortSignal.any([lost.signal, stop.signal]);
      while (!ended.aborted) {
        await sleep(heartbeatMs, ended);
        // A peer that vanished without a word is noticed only by a question.
        if (!ended.aborted) await client.query('select 1');
      }
    } finally {
      void client.end().catch(() => {});
    }
  }

  return {
    subscribe(channel, wake) {
      const wakes = subscribers.get(channel);
      if (!wakes) throw new Error(`Nothing listens on the channel ${channel}; name it when the listener is made.`);
      wakes.add(wake);
      return () => wakes.delete(wake);
    },
    async close() {
      stop.abort();
      await running;
    },
  };
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
}
