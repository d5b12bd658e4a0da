import type { MessagePattern } from './message-patterns.ts';
import type { Sighting } from './proxies/trap-board.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import type { Findings } from './round-context.ts';
import type { SeededRandom } from './seeded-random.ts';

/** A document whose bill is looked at; `knownChunks` are those whose vectors were paid for before the round. */
export type JudgedDocument = { documentId: string; generation: number; knownChunks: number };

/** What a story set in motion: documents that it has embedded, and the workflows that worked on it. */
export type StoryWork = { documents: JudgedDocument[]; workflowIds: string[] };

/** Something that a client has the product do, and that is hit at one of its effects. */
export interface PointStory {
  /** Everything that comes before the part that is hit. */
  prepare(): Promise<void>;
  /** The part that is hit; resolves when the client has its answer. */
  act(): Promise<void>;
  /**
   * Waits until everything is where the story ends, and says what is not as it must be; `awayMs` is how long the victim of
   * the hit was away.
   */
  verify(awayMs: number): Promise<Findings>;
  /** Whether a message is about this story. */
  owns(sighting: Sighting): boolean;
  /** The message that brings about the ids by which later ones are known, and what reads them; null: all are known. */
  readonly opening: { is: MessagePattern; learn(): Promise<void> } | null;
  /** What is judged once the story has ended. */
  work(): Promise<StoryWork>;
}

/** A place where a process can be hit exactly, before and after: an effect, and the story in which it happens. */
export interface ChaosPoint {
  readonly name: string;
  tell(stack: ProxiedStack, word: string, random: SeededRandom): PointStory;
  /** Whether a message is the effect, whatever story it belongs to. */
  readonly is: MessagePattern;
  /** Which of the story's messages it is; the first unless given. */
  readonly nth?: number;
}
