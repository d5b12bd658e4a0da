import type { ChaosPoint } from './chaos-point.ts';

// A point that was missed is sought so much later.
const laterMs = 4000;
// Beyond it a story that began first would be waited for too long if it has become quicker.
const longestMs = 25_000;

/**
 * How long stories take to their points, as earlier rounds have seen it: those that get there soon begin later, so that
 * all of a round stand there at about the same time.
 */
export class PaceOfPoints {
  readonly #tookMs = new Map<string, number>();

  reached({ name }: ChaosPoint, afterMs: number): void {
    this.#tookMs.set(name, afterMs);
  }

  missed({ name }: ChaosPoint, afterMs: number): void {
    this.#tookMs.set(name, Math.max(afterMs, this.#expect(name)) + laterMs);
  }

  /** How many milliseconds each story waits before it begins; none if nothing is known of any. */
  delaysMs(points: readonly ChaosPoint[]): number[] {
    const expected = points.map(({ name }) => this.#expect(name));
    const longest = Math.max(...expected);
    return expected.map((ms) => longest - ms);
  }

  #expect(name: string): number {
    return Math.min(this.#tookMs.get(name) ?? 0, longestMs);
  }
}
