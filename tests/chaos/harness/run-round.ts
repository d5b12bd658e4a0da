import { setTimeout as sleep } from 'node:timers/promises';
import { checkInvariants } from '../../../scripts/check/check-invariants.ts';
import { compareWithProvider } from './compare-with-provider.ts';
import { hitProcess, isUp } from './hit-process.ts';
import { ingestWorkload } from './ingest-workload.ts';
import type { Findings, RoundContext } from './round-context.ts';
import type { Scenario } from './scenario.ts';
import { turnsWorkload } from './turns-workload.ts';

/** A fault that was injected; it counts only if work was under way at that moment. */
export type Hit = { atMs: number; pid: number | null; inFlight: number; counts: boolean };

/** What one round did and found. A round without findings has passed. */
export type RoundReport = {
  round: number;
  seed: number;
  durationMs: number;
  hits: Hit[];
  countingHits: number;
  findings: Findings;
};

const mostHits = { kill: 3, freeze: 1 } as const;
/** A round whose hits all missed the work proves nothing. */
export const fewestCountingHits = 1;

/** Runs the scenario's work once, hits its target meanwhile, waits for the end, and checks everything. */
export async function runRound(
  scenario: Scenario,
  home: string,
  context: RoundContext,
  numbers: { round: number; seed: number },
): Promise<RoundReport> {
  const began = performance.now();
  const moments = context.random.fork('moments');
  const workload = await (scenario.workload === 'turns' ? turnsWorkload(context) : ingestWorkload(context));
  let over = false;
  const work = workload
    .run()
    .catch((error: unknown) => [`The workload stopped: ${error instanceof Error ? error.message : String(error)}`])
    .finally(() => (over = true));

  const hits: Hit[] = [];
  const faults = (async () => {
    const count = mostHits[scenario.fault];
    for (let nth = 0; nth < count && !over; nth += 1) {
      // Between these shares of the work, so that hits are spread over it; the last fifth is left to the recovery.
      const due = ((nth + moments.next()) / count) * 0.8;
      while (!over && (workload.inFlight() === 0 || workload.progress() < due || !isUp(home, scenario.target)))
        await sleep(5);
      await sleep(moments.between(0, 150));
      const inFlight = workload.inFlight();
      const atMs = Math.round(performance.now() - began);
      const pid = over ? null : await hitProcess(home, scenario.target, scenario.fault);
      hits.push({ atMs, pid, inFlight, counts: pid !== null && inFlight > 0 });
    }
  })();
  const findings = await work;
  await faults;
  findings.push(...(await settleAndCheck(context)));
  const countingHits = hits.filter((hit) => hit.counts).length;
  if (countingHits < fewestCountingHits)
    findings.push(`Only ${countingHits} of ${hits.length} hits met work that was under way: the round proves nothing`);
  return { ...numbers, durationMs: Math.round(performance.now() - began), hits, countingHits, findings };
}

/** The stack may still be coming back from the last hit: the invariants must hold once it has, and stay so. */
async function settleAndCheck(context: RoundContext): Promise<Findings> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    let findings: Findings;
    try {
      const breaches = await context.database.asOperator((em) =>
        checkInvariants({ em, temporal: context.temporal, graceSeconds: 0 }),
      );
      findings = breaches.map(
        (breach) => `Invariant ${breach.invariant}, ${breach.entity} ${breach.id}: ${breach.detail}`,
      );
      findings.push(...(await compareWithProvider(context.database, context.providerUrl)));
    } catch (error) {
      findings = [`The check could not be done: ${error instanceof Error ? error.message : String(error)}`];
    }
    if (findings.length === 0 || Date.now() > deadline) return findings;
    await sleep(500);
  }
}
