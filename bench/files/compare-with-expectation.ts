import type { IngestedFile } from './ingest-folder.ts';

/** What a file must come to, as somebody found who read the file itself. */
export interface FileExpectation {
  /** For the reader; the hash decides. */
  readonly file: string;
  readonly state: IngestedFile['state'];
  /** Null where the file is refused before its type matters. */
  readonly type: string | null;
  /** Codes of all warnings, in any order, each once. */
  readonly warnings: readonly string[];
  readonly error: string | null;
  /** Parts that the text must hold and must not hold; white space counts as one space. */
  readonly contains: readonly string[];
  readonly lacks: readonly string[];
  /** With it the file is sent a second time, and must then hold `opened`. */
  readonly password?: string;
  readonly opened?: readonly string[];
}

/** Names everything in which a file is not as expected. */
export function compareWithExpectation(file: IngestedFile, expected: FileExpectation): string[] {
  if (file.withPassword) {
    const wanted: FileExpectation = { ...expected, state: 'ready', error: null, contains: expected.opened ?? [] };
    return compare(file, { ...wanted, warnings: file.warnings.map(({ code }) => code) });
  }
  return compare(file, expected);
}

function compare(file: IngestedFile, expected: FileExpectation): string[] {
  const name = file.withPassword ? `${expected.file} (with its password)` : expected.file;
  const differences: string[] = [];
  const same = (what: string, found: string | null, wanted: string | null): void => {
    if (found !== wanted) differences.push(`${name}: ${what} is ${found}, not ${wanted}`);
  };
  same('state', file.state, expected.state);
  same('error', file.error?.code ?? null, expected.error);
  if (expected.type !== null) same('type', file.type, expected.type);
  const codes = [...new Set(file.warnings.map(({ code }) => code))];
  same('warnings', codes.toSorted().join(', '), expected.warnings.toSorted().join(', '));
  const text = flat(file.text ?? '');
  for (const part of expected.contains) {
    if (!text.includes(flat(part))) differences.push(`${name}: the text lacks ${JSON.stringify(part)}`);
  }
  for (const part of expected.lacks) {
    if (text.includes(flat(part))) differences.push(`${name}: the text holds ${JSON.stringify(part)}`);
  }
  return differences;
}

function flat(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
