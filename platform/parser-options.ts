import type { DocumentParsersOptions } from '../providers/parsers/document-parsers.ts';
import type { Config } from './config.ts';

const megabyte = 1024 * 1024;

/** The limits of parsing, as the settings say them. */
export function parserOptions(config: Config): DocumentParsersOptions {
  return {
    timeoutMs: config.PERDURE_PARSE_SECONDS * 1000,
    memoryBytes: config.PERDURE_PARSE_MEMORY_MB * megabyte,
    outputCharacters: config.PERDURE_PARSE_CHARACTERS,
    unpackedBytes: config.PERDURE_PARSE_UNPACKED_MB * megabyte,
    archiveMembers: config.PERDURE_PARSE_MEMBERS,
    ...(config.PERDURE_PARSERS > 0 ? { processes: config.PERDURE_PARSERS } : {}),
  };
}
