import pg from 'pg';

/** Sends wake-ups without content. */
export interface Notifier {
  /** Wakes every listener of `channel` for these ids, soon; ids given within a few milliseconds share a statement. */
  notify(channel: string, ids: readonly string[]): void;
  close(): Promise<void>;
}

/**
 * Notifies on a connection of its own, outside every business transaction: NOTIFY takes a lock of the whole database at
 * commit. A wake-up that is lost (the server restarted) costs a listener only the wait until its next look.
 */
export function createNotifier(databaseUrl: string): Notifier {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: 1,
    idleTimeoutMillis: 0,
    application_name: 'perdure-notifier',
  });
  pool.on('error', () => {});
  const waiting = new Map<string, Set<string>>();
  let sending = false;

  async function send(): Promise<void> {
    while (waiting.size > 0) {
      const batch = [...waiting].flatMap(([channel, ids]) => [...ids].map((id) => ({ channel, id })));
      waiting.clear();
      await pool
        .query({
          name: 'notify',
          text: 'select pg_notify(channel, id) from unnest($1::text[], $2::text[]) as g (channel, id)',
          values: [batch.map((entry) => entry.channel), batch.map((entry) => entry.id)],
        })
        .catch(() => {});
    }
    sending = false;
  }

  return {
    notify(channel, ids) {
      const known = waiting.get(channel) ?? new Set();
      for (const id of ids) known.add(id);
      waiting.set(channel, known);
      if (sending) return;
      sending = true;
      setImmediate(() => void send());
    },
    close: () => pool.end(),
  };
}
