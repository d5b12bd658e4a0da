import type { DocumentWarning } from '../../contracts/names/document-warnings.ts';
import type { CodeBoundary, PageStart, TextFormat } from '../../domain/chunking/text-structure.ts';
import type { MediaType } from '../../domain/documents/media-types.ts';

/**
 * What a parser made of a document. Structure stands in `text` as Markdown: `#` headings, `|` tables with a header and a
 * `| --- |` line, `-` and `1.` lists, fenced code. All offsets are UTF-16 units into `text`.
 */
export interface ParsedDocument {
  readonly text: string;
  /** How the text's structure is to be read. */
  readonly format: TextFormat;
  /** What the bytes were found to be. */
  readonly mimeType: string;
  /** The document's own title, if it names one. */
  readonly title: string | null;
  /** The language that the document says it is in (ISO 639-1), if it says so. */
  readonly language: string | null;
  /** In ascending order of `start`; empty when the format has no pages. */
  readonly pages: readonly PageStart[];
  /** Cuts by the syntax of code, ascending; null to be cut by lines. */
  readonly boundaries: readonly CodeBoundary[] | null;
  readonly warnings: readonly DocumentWarning[];
}

/** What a parse may take; time and memory are watched from outside its process. */
export interface ParseLimits {
  /** Most UTF-16 units of text; a parser that would make more throws `parser_output_too_large`. */
  readonly outputCharacters: number;
  /** Most bytes that the members of an archive may unpack to, all together. */
  readonly unpackedBytes: number;
  readonly archiveMembers: number;
}

/** What a parser is told beside the bytes or the text; the name, the charset and the password are not to be trusted. */
export interface ParseInput {
  /** What the bytes were found to be. */
  readonly mimeType: string;
  /** The last part of the document's path. */
  readonly name: string | null;
  /** The charset that the sender declared. */
  readonly charset: string | null;
  readonly password: string | null;
  readonly limits: ParseLimits;
}

/** What is asked of the parsers together: the type is found from the bytes, `claimed` being a hint. */
export interface ParseRequest extends Omit<ParseInput, 'mimeType'> {
  readonly claimed: MediaType | null;
}

type Parsed = ParsedDocument | Promise<ParsedDocument>;

/** Reads text that was decoded before, without byte order mark and NUL characters. */
export interface TextParser {
  readonly reads: 'text';
  parse(text: string, input: ParseInput): Parsed;
}

/** Reads bytes. */
export interface BytesParser {
  readonly reads: 'bytes';
  parse(bytes: Uint8Array, input: ParseInput): Parsed;
}

/** Takes a wrapping off, such as encryption; the type of what comes out is found anew. */
export interface Unwrapper {
  readonly reads: 'wrapping';
  unwrap(bytes: Uint8Array, input: ParseInput): Uint8Array | Promise<Uint8Array>;
}

/**
 * The port to a kind of document. It runs in a process of its own, without network and without file system but for
 * reading packages; it may throw PerdureError with a code of the error table and what is wrong; whatever else it throws
 * becomes `document_corrupt`. Parsing the same bytes again gives the same result.
 */
export type DocumentParser = TextParser | BytesParser | Unwrapper;
