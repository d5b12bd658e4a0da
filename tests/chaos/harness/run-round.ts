import { setTimeout as sleep } from 'node:timers/promises';
import { freezeMs, isUp, killProcess, thawLater } from './hit-process.ts';
import type { RoundContext, Workload } from './round-context.ts';
import type { Fault, ScenarioReport, Target } from './scenario.ts';
import { settleAndCheck } from './settle-and-check.ts';

/** A fault that was injected; it counts only if work was under way at that moment. */
type Hit = { atMs: number; pid: number | null; inFlight: number; counts: boolean };

const mostHits = { kill: 3, freeze: 1 } as const;
/** A round whose hits all missed the work proves nothing. */
const fewestCountingHits = 1;

/** Runs the workload once, hits the target meanwhile, waits for the end, and checks everything. */
export async function runRound(
  { target, fault, make }: { target: Target; fault: Fault; make: (context: RoundContext) => Promise<Workload> },
  context: RoundContext,
): Promise<ScenarioReport> {
  const began = performance.now();
  const home = context.stack.homeOf(target);
  const moments = context.random.fork('moments');
  const workload = await make(context);
  let over = false;
  const work = workload
    .run()
    .catch((error: unknown) => [`The workload stopped: ${error instanceof Error ? error.message : String(error)}`])
    .finally(() => (over = true));

  const hits: Hit[] = [];
  const faults = (async () => {
    const count = mostHits[fault];
    for (let nth = 0; nth < count && !over; nth += 1) {
      // Between these shares of the work, so that hits are spread over it; the last fifth is left to the recovery.
      const due = ((nth + moments.next()) / count) * 0.8;
      while (!over && (workload.inFlight() === 0 || workload.progress() < due || !isUp(home, target))) await sleep(5);
      await sleep(moments.between(0, 150));
      const inFlight = workload.inFlight();
      const atMs = Math.round(performance.now() - began);
      const pid = over ? null : await hit(home, target, fault);
      hits.push({ atMs, pid, inFlight, counts: pid !== null && inFlight > 0 });
    }
  })();
  const findings = await work;
  await faults;
  findings.push(...(await settleAndCheck(context.stack, context.stack.provider.log())));
  const countingHits = hits.filter((one) => one.counts).length;
  if (countingHits < fewestCountingHits)
    findings.push(`Only ${countingHits} of ${hits.length} hits met work that was under way: the round proves nothing`);
  return { rounds: 1, hits: countingHits, findings, details: hits };
}

/** Resolves when the fault is over; with null if there was no such process. */
async function hit(home: string, target: Target, fault: Fault): Promise<number | null> {
  if (fault === 'kill') return killProcess(home, target);
  const thaw = thawLater(home, target);
  if (thaw === null) return null;
  await sleep(freezeMs);
  return thaw();
}
