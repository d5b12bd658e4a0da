import { setTimeout as sleep } from 'node:timers/promises';
import { freezeMs, isUp, killProcess, thawLater } from './hit-process.ts';
import type { ProductProcess, ProxiedStack } from './proxied-stack.ts';
import type { Fault, Target } from './scenario.ts';
import type { SeededRandom } from './seeded-random.ts';

/** One hit: who, how, when (milliseconds after the first moment) and how much work was under way. */
export type RandomHit = { victim: string; fault: Fault; atMs: number; downMs: number; inFlight: number };

/** What may be hit, for how long, and who says how much work is under way. */
export type HitPlan = {
  targets: readonly Target[];
  faults: readonly Fault[];
  untilMs: number;
  inFlight(): number;
  say(line: string): void;
};

// Replicas: each is hit while the other works on.
const processesOf: Record<Target, readonly (ProductProcess | 'postgres' | 'temporal')[]> = {
  worker: ['worker', 'stand-in'],
  api: ['api', 'second-api'],
  postgres: ['postgres'],
  temporal: ['temporal'],
};

/** Hits one process after the other, each way in turn, with pauses that the seed chooses; returns what was hit. */
export async function hitAtRandom(stack: ProxiedStack, random: SeededRandom, plan: HitPlan): Promise<RandomHit[]> {
  const hits: RandomHit[] = [];
  const began = Date.now();
  // Every pair once before any comes again: a short run would leave some out by chance.
  let due: Array<{ target: Target; fault: Fault }> = [];
  for (;;) {
    await sleep(random.between(1000, 4000));
    if (Date.now() - began >= plan.untilMs) return hits;
    if (due.length === 0) due = plan.targets.flatMap((target) => plan.faults.map((fault) => ({ target, fault })));
    const [{ target, fault }] = due.splice(random.between(0, due.length - 1), 1) as [{ target: Target; fault: Fault }];
    const victim = random.pick(processesOf[target]);
    const home = stack.homeOf(victim);
    while (!isUp(home, target)) await sleep(20);
    const hitAt = Date.now();
    const inFlight = plan.inFlight();
    if (fault === 'kill') {
      await killProcess(home, target);
      while (!isUp(home, target)) await sleep(20);
    } else {
      const thaw = thawLater(home, target);
      await sleep(freezeMs);
      thaw?.();
    }
    const hit = { victim, fault, atMs: hitAt - began, downMs: Date.now() - hitAt, inFlight };
    hits.push(hit);
    plan.say(`  ${fault} ${victim} at ${hit.atMs} ms with ${inFlight} turns under way, away for ${hit.downMs} ms`);
  }
}
