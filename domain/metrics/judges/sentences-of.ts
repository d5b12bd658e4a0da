import { splitStatements } from '../../citations/split-statements.ts';

/** The sentences of a text, none across a line's end. */
export function sentencesOf(text: string): string[] {
  return splitStatements(text).map(({ start, end }) => text.slice(start, end));
}
