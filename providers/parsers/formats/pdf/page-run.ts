/** A piece of text on a page; coordinates are in points, y grows downwards. */
export interface TextRun {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  /** The y of the line that the letters stand on. */
  readonly baseline: number;
  /** Height of the font. */
  readonly size: number;
  readonly bold: boolean;
  readonly monospaced: boolean;
  readonly rightToLeft: boolean;
  /** Whether it runs in another direction than most of the page, as a stamp in the margin does. */
  readonly turned: boolean;
}

/** What stands side by side on a line of a column, from left to right; runs that are closer than a space or two are one. */
export interface Row {
  readonly segments: readonly TextRun[];
  readonly left: number;
  readonly right: number;
  readonly baseline: number;
  readonly size: number;
}

/** The text of a page; none where the page shows nothing but images. */
export interface PageContent {
  readonly number: number;
  readonly height: number;
  readonly runs: readonly TextRun[];
}
