import type { Findings } from './round-context.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import type { SeededRandom } from './seeded-random.ts';

/** What is hit. */
export const targets = ['worker', 'api', 'postgres', 'temporal'] as const;
export type Target = (typeof targets)[number];

/** How: `kill` is kill -9; `freeze` is SIGSTOP past the heartbeat's time-out, then SIGCONT, which makes zombies. */
export const faults = ['kill', 'freeze'] as const;
export type Fault = (typeof faults)[number];

/** What the command line says besides the names of scenarios; empty lists stand for everything. */
export type ScenarioOptions = {
  seed: number;
  round: number;
  points: readonly string[];
  targets: readonly Target[];
  faults: readonly Fault[];
  /** So many points, chosen by the seed, in place of all; or so many conversations or intervals. */
  sample: number | null;
  /** How many documents are held at their points at once. */
  group: number;
  /** How many interleavings are tried. */
  count: number;
  /** For how long conversations are hit. */
  seconds: number;
  /** When points and interleavings begin nothing more, in milliseconds since the epoch; what was not tried is no finding. */
  until: number;
  say(line: string): void;
};

/** What a scenario did: `hits` are the faults that met work under way. Without findings it has passed. */
export type ScenarioReport = { hits: number; rounds: number; findings: Findings; details: unknown };

/** Something that is tried against a stack, by the name that `--scenario` takes. */
export type Scenario = {
  name: string;
  /** Whether it works in a workspace whose only embedding model is the fake provider's; such scenarios come last. */
  paidModel: boolean;
  run(stack: ProxiedStack, random: SeededRandom, options: ScenarioOptions): Promise<ScenarioReport>;
};
