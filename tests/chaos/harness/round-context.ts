import type { ProxiedStack } from './proxied-stack.ts';
import type { SeededRandom } from './seeded-random.ts';

/** What a workload works with in one round. */
export type RoundContext = {
  stack: ProxiedStack;
  random: SeededRandom;
  /** Sets this round's rows apart from those of others. */
  round: string;
};

/** What was found wrong; an empty list is a passed round. */
export type Findings = string[];

/** Work that goes on while processes are hit. */
export interface Workload {
  /** Starts the work; resolves when the client has seen all of it reach its end. */
  run(): Promise<Findings>;
  /** Steps that are under way at this moment: a hit counts only if there are any. */
  inFlight(): number;
  /** How much of the work has been done, from 0 to 1: a seed names moments by it, whatever the machine's speed. */
  progress(): number;
}
