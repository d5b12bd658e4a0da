import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosPoint, PointStory } from './chaos-point.ts';
import { freezeMs, isUp, killProcess, thawLater } from './hit-process.ts';
import type { Edge, Sighting, Trap } from './proxies/trap-board.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import { longestSilenceMs } from './longest-silence.ts';
import type { PaceOfPoints } from './pace-of-points.ts';
import { countRepeats } from './paid-texts.ts';
import type { Findings } from './round-context.ts';
import type { Fault, Target } from './scenario.ts';
import type { SeededRandom } from './seeded-random.ts';
import { settleAndCheck } from './settle-and-check.ts';

/** A point with the side of it that is hit. */
export type EdgeOfPoint = { point: ChaosPoint; edge: Edge };

/** What one hit at one point did. */
export type PointReport = {
  point: string;
  edge: Edge;
  /** Texts that were paid a second time, and those that were on their way to the provider at the moment of the hit. */
  repeatedTexts: number;
  textsInFlight: number;
  silentMs: number;
};

/** One hit on a process while a story stood at each of `points`. */
export type PointRoundReport = {
  target: Target;
  fault: Fault;
  durationMs: number;
  /** How long it took until the stories had begun, stood at their points, had ended after the hit, and were checked. */
  phasesMs: { prepare: number; gather: number; end: number; check: number };
  downMs: number;
  points: PointReport[];
  /** Points that were not reached while others were held, which says nothing about them. */
  missed: EdgeOfPoint[];
  findings: Findings;
};

// Below the ten seconds after which PostgreSQL ends a transaction whose client says nothing.
const gatherMs = 8000;
const reachMs = 45_000;
// The product's heartbeat time-out, which also is the time-out of a workflow task.
const heartbeatMs = 10_000;
// Retries, polls and a machine with two cores that has just started a process again.
const slackMs = 8000;

/** What is hit in one round, and how long the stories are known to take to their points; it learns from the round. */
export type PointRound = {
  points: readonly EdgeOfPoint[];
  hit: { target: Target; fault: Fault };
  pace: PaceOfPoints;
};

/** Brings a story to each of the points, hits the target while all are held there, lets go, and checks everything. */
export async function runPointRound(
  stack: ProxiedStack,
  { points, hit, pace }: PointRound,
  words: string,
  random: SeededRandom,
): Promise<PointRoundReport> {
  const began = Date.now();
  const visits = points.map(
    (at, n) => new Visit(stack, at, `${words}n${String(n).padStart(2, '0')}`, random.fork(`story ${n}`)),
  );
  const findings: Findings = [];
  const standsIn = hit.fault === 'freeze' && hit.target === 'worker';
  if (standsIn) await stack.useStandIn(false);
  await Promise.all(visits.map((visit) => visit.story.prepare()));
  const roundFrom = Date.now();
  const delaysMs = pace.delaysMs(points.map(({ point }) => point));
  // What is held is not kept waiting for those that have not begun.
  const some = Promise.race(visits.map((visit) => visit.reached));
  for (const [n, visit] of visits.entries()) visit.start(Promise.race([some, sleep(delaysMs[n])]));
  await gather(visits);
  const gatheredAt = Date.now();
  const held = visits.filter((visit) => visit.holder !== undefined);
  for (const visit of visits)
    if (held.includes(visit)) pace.reached(visit.point, visit.onTheWayMs());
    else {
      visit.letGo();
      pace.missed(visit.point, visit.onTheWayMs());
    }

  const hitAt = Date.now();
  let over: number;
  if (hit.fault === 'kill') {
    const pid = await killProcess(stack.homeOf(hit.target), hit.target);
    if (pid === null) findings.push(`There was no ${hit.target} to kill`);
    for (const visit of held) visit.letGo();
    await untilUp(stack, hit.target);
    over = Date.now();
  } else {
    const thaw = thawLater(stack.homeOf(hit.target), hit.target);
    if (thaw === null) findings.push(`There was no ${hit.target} to freeze`);
    if (standsIn) await stack.useStandIn(true);
    await sleep(freezeMs);
    thaw?.();
    over = Date.now();
    for (const visit of held) visit.letGo();
  }
  const downMs = over - hitAt;
  findings.push(...(await Promise.all(visits.map((visit) => visit.finish(downMs)))).flat());
  const endedAt = Date.now();
  if (standsIn) await stack.useStandIn(false);
  const log = stack.provider.log();
  findings.push(...(await settleAndCheck(stack, log)));

  const reports: PointReport[] = [];
  for (const { point, edge, story, label } of held) {
    const work = await story.work();
    const paid = { repeatedTexts: 0, textsInFlight: 0 };
    const calls: string[] = [];
    for (const document of work.documents) {
      const own = await countRepeats(stack, document, { since: roundFrom, hitsAt: [hitAt], log });
      paid.repeatedTexts += own.repeatedTexts;
      paid.textsInFlight += own.textsInFlight;
      if (own.repeatedTexts > own.textsInFlight) calls.push(`${document.documentId}: ${own.calls.join('; ')}`);
    }
    const silentMs = await longestSilenceMs(stack, work, hitAt);
    if (paid.repeatedTexts > paid.textsInFlight)
      findings.push(
        `${label}: ${paid.repeatedTexts} texts were paid again, ${paid.textsInFlight} were in flight (${calls.join(' | ')})`,
      );
    if (silentMs > heartbeatMs + downMs + slackMs)
      findings.push(`${label}: silent for ${silentMs} ms, with ${hit.target} away for ${downMs} ms`);
    reports.push({ point: point.name, edge, ...paid, silentMs });
  }
  const missed = visits.filter((visit) => !held.includes(visit)).map(({ point, edge }) => ({ point, edge }));
  const phasesMs = {
    prepare: roundFrom - began,
    gather: gatheredAt - roundFrom,
    end: endedAt - over,
    check: Date.now() - endedAt,
  };
  return { ...hit, durationMs: Date.now() - began, phasesMs, downMs, points: reports, missed, findings };
}

/** Waits until every document stands at its point, or no more than a moment longer once the first does. */
async function gather(visits: readonly Visit[]): Promise<void> {
  const all = Promise.all(visits.map((visit) => visit.reached));
  const some = Promise.race(visits.map((visit) => visit.reached));
  await Promise.race([some, sleep(reachMs)]);
  await Promise.race([all, sleep(gatherMs)]);
}

async function untilUp(stack: ProxiedStack, target: Target): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!isUp(stack.homeOf(target), target)) {
    if (Date.now() > deadline) throw new Error(`${target} did not come back within 60 s`);
    await sleep(20);
  }
}

/** A story on its way to a point, and the trap that waits for it there. */
class Visit {
  readonly point: ChaosPoint;
  readonly edge: Edge;
  readonly story: PointStory;
  readonly label: string;
  readonly reached: Promise<void>;
  /** The process whose message is held. */
  holder: string | undefined;
  readonly #stack: ProxiedStack;
  readonly #trap: Trap;
  #acted: Promise<void> = Promise.resolve();
  #armed = false;
  #beganAt = 0;
  #reachedAt = Infinity;

  constructor(stack: ProxiedStack, { point, edge }: EdgeOfPoint, word: string, random: SeededRandom) {
    this.point = point;
    this.edge = edge;
    this.label = `${point.name} ${edge} (${word})`;
    this.story = point.tell(stack, word, random);
    this.#stack = stack;
    const fits = (sighting: Sighting) => this.#armed && point.is(sighting) && this.story.owns(sighting);
    this.#trap = stack.board.set({ edge, nth: point.nth ?? 1, fits });
    this.reached = this.#note();
  }

  start(due: Promise<void>): void {
    this.#acted = this.#begin(due);
    // Its failure is reported by finish().
    this.#acted.catch(() => {});
  }

  /** How long its story took to the point, or has taken so far. */
  onTheWayMs(): number {
    return Math.min(this.#reachedAt, Date.now()) - this.#beganAt;
  }

  letGo(): void {
    this.#stack.board.takeOff(this.#trap);
  }

  async finish(awayMs: number): Promise<Findings> {
    try {
      await this.#acted;
      return (await this.story.verify(awayMs)).map((finding) => `${this.label}: ${finding}`);
    } catch (error) {
      return [`${this.label}: ${error instanceof Error ? error.message : String(error)}`];
    }
  }

  async #note(): Promise<void> {
    this.holder = await this.#trap.reached;
    this.#reachedAt = Date.now();
  }

  async #begin(due: Promise<void>): Promise<void> {
    await due;
    this.#beganAt = Date.now();
    this.#armed = true;
    const { opening } = this.story;
    if (opening) this.#learn(opening);
    await this.story.act();
  }

  /** Lets the answer to the opening wait until what it has brought about is known. */
  #learn({ is, learn }: NonNullable<PointStory['opening']>): void {
    // The opening itself is the point: it is held there.
    const fits = (sighting: Sighting) => is(sighting) && !this.point.is(sighting);
    const trap = this.#stack.board.set({ edge: 'after', nth: 1, fits });
    const read = async () => {
      await trap.reached;
      await learn();
      this.#stack.board.takeOff(trap);
    };
    void read();
  }
}
