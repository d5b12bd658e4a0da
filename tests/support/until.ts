/** Waits until `probe` gives something, and returns it; fails with `what` in the message after `timeoutMs`. */
export async function until<T>(
  probe: () => Promise<T | null | undefined | false>,
  { what, timeoutMs = 45_000, everyMs = 20 }: { what: string; timeoutMs?: number; everyMs?: number },
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
