import { createDocumentParsers } from '../../../providers/parsers/document-parsers.ts';
import type { DocumentParsers } from '../../../providers/parsers/document-parsers.ts';

/** Parsers in real processes, with limits that suit small documents. */
export function testParsers(): DocumentParsers {
  return createDocumentParsers({
    timeoutMs: 20_000,
    memoryBytes: 1024 ** 3,
    outputCharacters: 10_000_000,
    unpackedBytes: 256 * 1024 ** 2,
    archiveMembers: 10_000,
    processes: 1,
  });
}
