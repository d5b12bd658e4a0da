const everyMs = 5000;

/**
 * Says what begins, every five seconds that it still goes on, and how long it took, so that no long step is silent.
 * @template T
 * @param {string} title @param {(line: string) => void} log @param {() => Promise<T>} work @returns {Promise<T>}
 */
export async function showProgress(title, log, work) {
  const started = performance.now();
  const seconds = () => Math.round((performance.now() - started) / 1000);
  log(`${title} …`);
  const timer = setInterval(() => log(`${title}: ${seconds()} s so far`), everyMs);
  try {
    const result = await work();
    log(`${title}: done in ${seconds()} s`);
    return result;
  } finally {
    clearInterval(timer);
  }
}
