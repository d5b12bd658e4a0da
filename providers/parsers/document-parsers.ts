import type { MediaType } from '../../domain/documents/media-types.ts';
import type { ParsedDocument, ParseLimits } from './document-parser.ts';
import { ParserPool } from './sandbox/parser-pool.ts';

/** A document to read, and what is said about it. */
export interface DocumentToParse {
  readonly bytes: Uint8Array;
  readonly claimed: MediaType | null;
  readonly name: string | null;
  readonly charset: string | null;
  readonly password: string | null;
  /** Whether it is of a kind and a size that take milliseconds; it then need not queue behind those that take long. */
  readonly quick: boolean;
}

/** Reads documents in processes of their own. */
export interface DocumentParsers {
  /**
   * @throws PerdureError saying why the document cannot be read, or `unavailable` if no process could be started; the
   * signal's reason when it aborts, which ends the process at work.
   */
  parse(document: DocumentToParse, signal: AbortSignal): Promise<ParsedDocument>;
  close(): Promise<void>;
}

/** What bounds each parse. */
export interface DocumentParsersOptions extends ParseLimits {
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  /** Most processes for documents that take long; one for each processor by default, four at the most. */
  readonly processes?: number;
}

// A small document is read within its workflow task, which ends after 30 s.
const quickTimeoutMs = 20_000;

/** Makes the parsers of one worker; no process is started before the first document comes. */
export function createDocumentParsers(options: DocumentParsersOptions): DocumentParsers {
  const { timeoutMs, memoryBytes, processes, ...limits } = options;
  const slow = new ParserPool({ memoryBytes, timeoutMs, ...(processes === undefined ? {} : { processes }) });
  const quick = new ParserPool({ memoryBytes, timeoutMs: Math.min(timeoutMs, quickTimeoutMs), processes: 1 });
  return {
    parse({ bytes, quick: isQuick, ...request }, signal) {
      return (isQuick ? quick : slow).parse({ bytes, request: { ...request, limits } }, signal);
    },
    async close() {
      await Promise.all([slow.close(), quick.close()]);
    },
  };
}
