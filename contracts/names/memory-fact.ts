/**
 * What is known of one line of a memory. `said_at` is the moment (ISO 8601) that counts when another line contradicts it;
 * what was learned names the message that it rests on, and the words there.
 */
export type MemoryFact = {
  /** The line exactly as it stands in the memory. */
  line: string;
  /** What it is about, in a few words; empty for what was not learned. */
  subject: string;
  statement: string;
  said_at: string;
  source: 'written' | 'learned' | 'condensed';
  conversation_id: string | null;
  message_id: string | null;
  quote: string | null;
  /** What it took the place of; null where it is not known when that was said. */
  supersedes: { statement: string; said_at: string | null }[];
};

/** A fact that a model has found in a message of a user, before it is compared with what is remembered. */
export type FoundFact = {
  subject: string;
  statement: string;
  said_at: string;
  message_id: string;
  quote: string;
};

/** How a version of a memory came to be. */
export const memoryOrigins = ['written', 'learned', 'condensed', 'cut', 'rolled_back'] as const;

export type MemoryOrigin = (typeof memoryOrigins)[number];
