import { median } from './statistics.ts';

/** What a metric came to: the median of its rounds, and how far they lay apart. */
export interface Result {
  metric: string;
  median: number;
  least: number;
  most: number;
  rounds: number;
}

/** Collects metrics, each measured in one round or several; flat dotted names, the unit in the name where there is one. */
export class Results {
  readonly notes: string[] = [];
  readonly #rounds = new Map<string, number[]>();

  /** Adds one round's value of a metric. */
  record(metric: string, value: number): void {
    if (!Number.isFinite(value)) throw new Error(`The metric ${metric} came out as ${value}.`);
    const values = this.#rounds.get(metric);
    if (values === undefined) this.#rounds.set(metric, [value]);
    else values.push(value);
  }

  /** Adds a remark that is shown below the table. */
  note(line: string): void {
    this.notes.push(line);
  }

  list(): Result[] {
    return [...this.#rounds].map(([metric, values]) => ({
      metric,
      median: median(values),
      least: Math.min(...values),
      most: Math.max(...values),
      rounds: values.length,
    }));
  }

  /** The object that `--json` prints: metric to median. */
  metrics(): Record<string, number> {
    return Object.fromEntries(this.list().map((result) => [result.metric, Number(result.median.toPrecision(5))]));
  }
}
