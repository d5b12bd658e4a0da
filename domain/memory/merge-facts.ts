import type { FoundFact, MemoryFact } from '../../contracts/names/memory-fact.ts';
import type { Relation } from './compare-facts.ts';
import { factLine, foldStatement, memoryLines, type MemoryLine, type Remembered } from './memory-lines.ts';

/** What becomes of facts that were found. */
export type MergedMemory = Remembered & {
  readonly added: readonly string[];
  /** Said again: the memory counts them as of the later time. */
  readonly confirmed: readonly string[];
  readonly superseded: ReadonlyArray<{ statement: string; said_at: string | null; by: string }>;
  /** Contradicted by something that was said later. */
  readonly outdated: ReadonlyArray<{ statement: string; by: string }>;
};

type Entry = { statement: string; said_at: string | null; found: FoundFact | null; line: string | null };

/**
 * What of the facts is to be compared with the lines of a memory, oldest first: what stands there word for word needs no
 * comparison.
 */
export function factsToCompare(memory: Remembered, found: readonly FoundFact[]): FoundFact[] {
  const known = new Set(memoryLines(memory).map(({ statement }) => foldStatement(statement)));
  return inOrder(found).filter(({ statement }) => !known.has(foldStatement(statement)));
}

/**
 * Puts facts of a conversation into a memory. Of two statements that contradict each other the one that was said later
 * stays, whichever was learned first; what says the same as a line confirms it. `relations` are by places in the list of
 * the memory's lines followed by `factsToCompare`.
 */
export function mergeFacts(
  memory: Remembered,
  found: readonly FoundFact[],
  relations: readonly Relation[],
  conversationId: string,
): MergedMemory {
  const lines = memoryLines(memory);
  const fresh = factsToCompare(memory, found);
  const entries: Entry[] = [...lines.map(ofLine), ...fresh.map(ofFound)];
  // What says the same becomes one entry, which counts as of the last time it was said.
  const confirmed = new Map<number, string>();
  const present = new Set<number>();
  const standsFor = new Map<number, number>();
  for (const fact of inOrder(found)) {
    const own = foldStatement(fact.statement);
    const verbatim = lines.findIndex(({ statement }) => foldStatement(statement) === own);
    const place = verbatim >= 0 ? verbatim : lines.length + fresh.indexOf(fact);
    const known = (other: number) => other < lines.length || present.has(other);
    const same = verbatim >= 0 ? verbatim : related(relations, place, 'same').find(known);
    if (same === undefined) present.add(place);
    else {
      standsFor.set(place, same);
      const entry = entries[same]!;
      if (fact.said_at <= (entry.said_at ?? '')) continue;
      entry.said_at = fact.said_at;
      if (same < lines.length) confirmed.set(same, fact.said_at);
    }
  }
  const gone = findOutdated(entries, [...lines.keys(), ...present], (place) =>
    [...entries.keys()]
      .filter((other) => (standsFor.get(other) ?? other) === place)
      .flatMap((other) => related(relations, other, 'contradiction'))
      .map((other) => standsFor.get(other) ?? other),
  );
  return compose(memory, { entries, lines, present, gone, confirmed, conversationId });
}

/** The entries that contradict one that was said later, and that one. */
function findOutdated(
  entries: readonly Entry[],
  places: readonly number[],
  contradictions: (place: number) => number[],
): Map<number, number> {
  const saidAt = (place: number) => entries[place]!.said_at ?? '';
  // Of two of the same moment the one that came later.
  const newestFirst = places.toSorted((one, other) =>
    saidAt(one) === saidAt(other) ? other - one : saidAt(one) < saidAt(other) ? 1 : -1,
  );
  const stays = new Set<number>();
  const gone = new Map<number, number>();
  for (const place of newestFirst) {
    const later = contradictions(place).find((other) => other !== place && stays.has(other));
    if (later === undefined) stays.add(place);
    else gone.set(place, later);
  }
  return gone;
}

function related(relations: readonly Relation[], place: number, kind: Relation['kind']): number[] {
  return relations
    .filter((relation) => relation.kind === kind && (relation.one === place || relation.other === place))
    .map((relation) => (relation.one === place ? relation.other : relation.one));
}

type Verdicts = {
  entries: readonly Entry[];
  lines: readonly MemoryLine[];
  present: ReadonlySet<number>;
  /** The place of what each entry has given way to. */
  gone: ReadonlyMap<number, number>;
  confirmed: ReadonlyMap<number, string>;
  conversationId: string;
};

function compose(memory: Remembered, verdicts: Verdicts): MergedMemory {
  const { entries, lines, present, gone, confirmed, conversationId } = verdicts;
  const known = new Map(memory.facts.map((fact) => [fact.line, fact]));
  const replacements = new Map<string, MemoryFact | null>();
  for (const [place, { line, statement }] of lines.entries()) {
    const said_at = confirmed.get(place);
    const before = known.get(line);
    if (gone.has(place)) replacements.set(line, null);
    else if (said_at !== undefined) {
      const fact = before ?? { ...nothing, statement, source: 'written' as const };
      const dated = { ...fact, said_at };
      replacements.set(line, { ...dated, line: fact.source === 'written' ? line : factLine(dated) });
    }
  }
  const supersededBy = (winner: number) =>
    [...gone].filter(([, by]) => by === winner).map(([place]) => entries[place]!);
  const learned = [...present]
    .filter((place) => !gone.has(place))
    .map((place): MemoryFact => {
      const { subject, statement, said_at, message_id, quote } = entries[place]!.found!;
      const supersedes = supersededBy(place).map((entry) => ({ statement: entry.statement, said_at: entry.said_at }));
      const source = { source: 'learned' as const, conversation_id: conversationId, message_id, quote };
      return { line: factLine({ statement, said_at }), subject, statement, said_at, ...source, supersedes };
    });
  const kept = memory.text
    .trimEnd()
    .split('\n')
    .flatMap((line) => {
      const fact = replacements.get(line);
      return fact === undefined ? [line] : fact === null ? [] : [fact.line];
    });
  const texts = [...kept, ...learned.map(({ line }) => line)];
  const stays = memory.facts.filter(({ line }) => !replacements.has(line));
  const changed = [...replacements.values()].filter((fact) => fact !== null);
  const ends = [...gone].map(([place, by]) => ({ entry: entries[place]!, place, by: entries[by]!.statement }));
  return {
    text: texts.join('\n').trim(),
    facts: [...stays, ...changed, ...learned],
    added: learned.map(({ statement }) => statement),
    confirmed: [...confirmed.keys()].filter((place) => !gone.has(place)).map((place) => entries[place]!.statement),
    superseded: ends
      .filter(({ place }) => place < lines.length)
      .map(({ entry: { statement, said_at }, by }) => ({ statement, said_at, by })),
    outdated: ends
      .filter(({ place }) => place >= lines.length)
      .map(({ entry: { statement }, by }) => ({ statement, by })),
  };
}

const nothing = { subject: '', conversation_id: null, message_id: null, quote: null, supersedes: [] };

function ofLine({ line, statement, said_at }: MemoryLine): Entry {
  return { line, statement, said_at, found: null };
}

function ofFound(found: FoundFact): Entry {
  return { line: null, statement: found.statement, said_at: found.said_at, found };
}

function inOrder(found: readonly FoundFact[]): FoundFact[] {
  return found.toSorted((one, other) => (one.said_at < other.said_at ? -1 : one.said_at > other.said_at ? 1 : 0));
}
