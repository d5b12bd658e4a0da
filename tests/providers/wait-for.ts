/** Waits until a condition holds, and fails with its name after five seconds. */
export async function waitFor(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`After 5 s it is still not so that ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
