import type { ErrorCode } from '../../../contracts/errors.ts';
import type { ParsedDocument, ParseRequest } from '../document-parser.ts';

/** What a parser process is started with, as JSON in its first argument. */
export interface ParserProcessSettings {
  /** Address of the module that exports `findParser`. */
  readonly findParserUrl: string;
  /** Bytes of resident memory at which the process ends itself by `memorySignal`. */
  readonly memoryBytes: number;
}

/** Sent to a parser process. */
export interface ParseCommand {
  readonly bytes: Uint8Array;
  readonly request: ParseRequest;
}

/** Sent by a parser process: once when it is ready, then one for each command. */
export type ParserReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'parsed'; readonly document: ParsedDocument; readonly residentBytes: number }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly detail: string; readonly residentBytes: number };

/** By this signal a parser process ends itself when it holds too much memory; nothing else sends it. */
export const memorySignal = 'SIGUSR2';
