import type { MemoryFact } from '../../contracts/names/memory-fact.ts';
import { foldText } from '../citations/fold-text.ts';

/** The text of a memory, and what is known of its lines. */
export type Remembered = { readonly text: string; readonly facts: readonly MemoryFact[] };

/** One line that says something; `said_at` is null where nobody knows, which counts as before everything else. */
export type MemoryLine = { readonly line: string; readonly statement: string; readonly said_at: string | null };

/** The lines of a memory that say something, in their order. */
export function memoryLines({ text, facts }: Remembered): MemoryLine[] {
  const known = new Map(facts.map((fact) => [fact.line, fact]));
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const fact = known.get(line);
      return { line, statement: fact?.statement ?? bareLine(line), said_at: fact?.said_at ?? null };
    });
}

/** How a learned or condensed fact stands in the text of a memory: with the day on which it was said, in UTC. */
export function factLine({ statement, said_at }: Pick<MemoryFact, 'statement' | 'said_at'>): string {
  return `- ${statement} (${said_at.slice(0, 10)})`;
}

/** What two ways to write the same statement have in common. */
export function foldStatement(statement: string): string {
  return foldText(statement)
    .text.trim()
    .replace(/[.,;:!?]+$/u, '');
}

/**
 * What is known of the lines of a text that a person has written as of `now` (ISO 8601): what was known of a line before
 * stays, every other line is the person's.
 */
export function annotateWritten(text: string, facts: readonly MemoryFact[], now: string): MemoryFact[] {
  const known = new Map(facts.map((fact) => [fact.line, fact]));
  const lines = new Set(text.split('\n').filter((line) => line.trim() !== ''));
  return Array.from(lines, (line): MemoryFact => {
    const fact = known.get(line);
    if (fact) return fact;
    const unknown = { conversation_id: null, message_id: null, quote: null, supersedes: [] };
    return { line, subject: '', statement: bareLine(line), said_at: now, source: 'written', ...unknown };
  });
}

function bareLine(line: string): string {
  return line.replace(/^\s*(?:[-*•]|#+)\s+/u, '').trim();
}
