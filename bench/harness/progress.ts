const started = performance.now();

/** Tells on the error stream what is being done; standard output is for results. */
export function progress(line: string): void {
  console.error(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${line}`);
}
