/**
 * How good a place is to cut a text, from bad to good. `word` places are not listed: they follow from the tokens.
 * A section's strength is `section - level`, so that a chapter is a better place than a paragraph of it.
 */
export const strengths = {
  /** Between a heading, a table's header or a function's comment and what belongs to it. */
  afterHeading: 8,
  /** Between the lines of one paragraph, and before a line of code that closes what stands above it. */
  wrappedLine: 14,
  sentence: 20,
  /** Between lines of code or rows of a table; lines of code that are less indented are up to five better. */
  line: 24,
  listItem: 30,
  block: 40,
  section: 60,
} as const;

/** The weakest strength that begins a section: a heading of level 6. */
export const weakestSection = strengths.section - 6;

/** A heading and where its line begins; one without a title ends the sections of its level and below. */
export interface Heading {
  readonly position: number;
  readonly level: number;
  readonly title: string;
}

/** A part that is kept whole where it fits: a table, a block of code, a function. */
export interface Block {
  readonly start: number;
  readonly end: number;
}

/** A Markdown table: its header row, and its body at [bodyStart, end). */
export interface Table extends Block {
  readonly bodyStart: number;
  readonly header: string;
}

/** A block between code fences, and the language that its opening line names. */
export interface Fence extends Block {
  readonly language: string | null;
}

/** Where a text may be cut, ascending, how good each place is, and its parts. Positions are UTF-16 code units. */
export interface TextStructure {
  readonly positions: readonly number[];
  readonly strengths: readonly number[];
  readonly headings: readonly Heading[];
  /** In order of their starts; they do not overlap. */
  readonly tables: readonly Table[];
  readonly fences: readonly Fence[];
  /** In order of their starts; they may hold one another. */
  readonly blocks: readonly Block[];
}

/** How a text is to be read: `markdown` also for what was extracted from HTML. */
export type TextFormat = 'text' | 'markdown' | 'code';

/** Where a page begins in a text; slides and sheets count as pages and bear their name as `label`. */
export interface PageStart {
  readonly number: number;
  readonly start: number;
  readonly label?: string;
}

/**
 * A place where code may be cut by its syntax; `heading` names what begins there (a class at level 1, its methods at
 * level 2), or with an empty title ends what stood at that level.
 */
export interface CodeBoundary {
  readonly position: number;
  readonly strength: number;
  readonly heading?: { readonly level: number; readonly title: string };
}

/** A text and what its parser knows of its structure; positions ascend. */
export interface TextToChunk {
  readonly text: string;
  readonly format: TextFormat;
  readonly pages?: readonly PageStart[];
  /** Null or missing to cut code by its lines. */
  readonly boundaries?: readonly CodeBoundary[] | null;
}
