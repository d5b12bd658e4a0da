/** Collects how long the stages of a search took, in milliseconds. */
export class StageClock {
  readonly timings: { stage: string; ms: number }[] = [];
  #last = performance.now();

  /** Ends a stage that began where the one before it ended. */
  end(stage: string): void {
    const now = performance.now();
    this.add(stage, now - this.#last);
    this.#last = now;
  }

  /** Adds a stage that was measured elsewhere; the running one is unaffected. */
  add(stage: string, ms: number): void {
    const known = this.timings.find((timing) => timing.stage === stage);
    if (known) known.ms += ms;
    else this.timings.push({ stage, ms });
  }
}
