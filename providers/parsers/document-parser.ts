import type { TextFormat } from '../../domain/chunking/text-structure.ts';

/** What a parser made of a document; chunks' offsets point into `text`. */
export interface ParsedDocument {
  readonly text: string;
  /** How the text's structure is to be read. */
  readonly format: TextFormat;
  /** What a reader of the document should know about the extraction, in plain words. */
  readonly warnings: readonly string[];
}

/** The port to a kind of document. Parsing the same text again gives the same result. */
export interface DocumentParser {
  readonly mimeTypes: readonly string[];
  /**
   * Takes time in proportion to the length, and memory in proportion to the text. Yields every few milliseconds, so that
   * a large document does not hold up its process.
   */
  parse(text: string): Generator<void, ParsedDocument>;
}
