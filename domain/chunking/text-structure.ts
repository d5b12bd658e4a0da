/**
 * How good a place is to cut a text, from bad to good. `word` places are not listed: they follow from the tokens.
 * A section's strength is `section - level`, so that a chapter is a better place than a paragraph of it.
 */
export const strengths = {
  /** Between a heading and its own text. */
  afterHeading: 8,
  /** Between the lines of one paragraph. */
  wrappedLine: 14,
  sentence: 20,
  /** Between lines of code or rows of a table. */
  line: 24,
  listItem: 30,
  block: 40,
  section: 60,
} as const;

/** The weakest strength that begins a section: a heading of level 6. */
export const weakestSection = strengths.section - 6;

/** A heading and where its line begins. */
export interface Heading {
  readonly position: number;
  readonly level: number;
  readonly title: string;
}

/** Where a text may be cut, ascending, how good each place is, and the headings. Positions are UTF-16 code units. */
export interface TextStructure {
  readonly positions: readonly number[];
  readonly strengths: readonly number[];
  readonly headings: readonly Heading[];
}

/** How a text is to be read: `markdown` also for what was extracted from HTML. */
export type TextFormat = 'text' | 'markdown' | 'code';
