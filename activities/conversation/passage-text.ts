import type { ChunkMetadata } from '../../domain/chunking/chunk-metadata.ts';
import type { ToolPassage } from '../../providers/tool.ts';

/** A passage with the number by which the answer cites it; kept with the step or the call that found it. */
export type Passage = ToolPassage & { readonly n: number };

/** The text of a hit that a model reads and may quote, with its neighbours where they were asked for. */
export interface PassageText {
  readonly text: string;
  /** Where the text begins in its document. */
  readonly start: number;
  /** What is kept of the chunk with which it begins. */
  readonly metadata: ChunkMetadata;
}

type Hit = Pick<ToolPassage, 'content' | 'startChar' | 'endChar' | 'chunkIndex' | 'metadata' | 'context'>;

/** Gives a hit's text to a model. */
export function passageText(hit: Hit): PassageText {
  if (hit.context === null) return { text: hit.content, start: hit.startChar, metadata: hit.metadata };
  const { content, startChar, chunks } = hit.context;
  return { text: content, start: startChar, metadata: chunks[0]?.metadata ?? hit.metadata };
}

/** The chunk of a passage that holds a quote at [start, end) of the document, else the one in which it begins. */
export function quotedChunk(
  hit: Hit,
  start: number,
  end: number,
): { chunkIndex: number; startChar: number; metadata: ChunkMetadata } {
  const holding = hit.context?.chunks.filter((chunk) => chunk.startChar <= start && start < chunk.endChar) ?? [];
  const own = hit.startChar <= start && end <= hit.endChar;
  return own ? hit : (holding.find((chunk) => end <= chunk.endChar) ?? holding[0] ?? hit);
}

/** Gives passages their numbers: a chunk that has one keeps it, the others follow the highest. */
export function numberPassages(known: readonly Passage[], found: readonly ToolPassage[]): Passage[] {
  const numbers = new Map(known.map((passage) => [keyOf(passage), passage.n]));
  let highest = Math.max(0, ...numbers.values());
  const numbered = new Map<string, Passage>();
  for (const passage of found) {
    const key = keyOf(passage);
    if (numbered.has(key)) continue;
    numbered.set(key, { ...passage, n: numbers.get(key) ?? (highest += 1) });
  }
  return [...numbered.values()];
}

function keyOf({ documentId, generation, chunkIndex }: ToolPassage): string {
  return `${documentId}/${generation}/${chunkIndex}`;
}
