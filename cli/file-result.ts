import { countOf } from '../contracts/names/count-of.ts';
import type { JobDocument } from '../contracts/ingestion-job.ts';
import type { SkippedFile } from './collect-files.ts';
import { safeText } from './safe-text.ts';
import type { Terminal } from './terminal.ts';

/** What became of one file or document. */
export interface FileResult {
  readonly path: string;
  readonly state: 'ready' | 'unchanged' | 'replaced' | 'failed' | 'cancelled' | 'skipped';
  /** What its content was found to be; null when it was not looked at. */
  readonly type: string | null;
  readonly warnings: readonly { code: string; detail: string }[];
  /** Why it failed or was skipped, beginning with a code; null otherwise. */
  readonly reason: string | null;
  /** What to do about it; null where there is nothing to do. */
  readonly hint: string | null;
  readonly characters: number | null;
  readonly chunks: number | null;
  readonly document_id: string | null;
}

/** The outcome of a document that has ended, as its job tells it; null while it is under way. */
export function resultOfDocument(path: string, document: JobDocument): FileResult | null {
  const { state, error } = document;
  if (state === 'staging' || state === 'ready') return null;
  const ended = state === 'active' ? 'ready' : state === 'failed' ? 'failed' : endOfAbandoned(error?.code);
  const shown = ended === 'failed' || ended === 'cancelled' ? error : null;
  return {
    path,
    state: ended,
    type: document.document_type,
    warnings: document.warnings,
    reason: shown && `${shown.code}: ${shown.detail}`,
    hint: shown?.hint ?? null,
    characters: document.characters,
    chunks: document.chunks,
    document_id: document.document_id,
  };
}

function endOfAbandoned(code: string | undefined): FileResult['state'] {
  if (code === 'cancelled') return 'cancelled';
  return code === 'document_deleted' ? 'failed' : 'replaced';
}

const nothing = { type: null, warnings: [], characters: null, chunks: null, document_id: null };

/** A refusal of a file that was not taken in. */
export function refusedFile(
  path: string,
  error: { code: string; detail: string; hint?: string | null } | null,
): FileResult {
  const reason = error ? `${error.code}: ${error.detail}` : 'internal: The API gave no reason.';
  return { path, state: 'failed', reason, hint: error?.hint ?? null, ...nothing };
}

/** What was found beside the files and is left out. */
export function skippedFile(skipped: SkippedFile): FileResult {
  return { ...skipped, ...nothing };
}

/** Whether the command that shows it must end with an error. */
export function isFailure({ state }: FileResult): boolean {
  return state === 'failed' || state === 'cancelled';
}

/** A result as a line for a person, its warnings and the way out below it. */
export function resultLine(terminal: Terminal, result: FileResult): string {
  const style = isFailure(result) ? 'red' : result.state === 'skipped' ? 'yellow' : 'green';
  const type = result.type === null ? '' : `${result.type}, `;
  const figures =
    result.chunks === null
      ? ''
      : `  ${type}${countOf(result.chunks, 'chunk')}, ${countOf(result.characters ?? 0, 'character')}`;
  const reason = result.reason === null ? figures : `  ${safeText(result.reason)}`;
  const below = [
    ...result.warnings.map(({ code, detail }) => terminal.style('yellow', safeText(`${code}: ${detail}`))),
    ...(result.hint === null ? [] : [terminal.style('dim', safeText(result.hint))]),
  ];
  return [
    `${terminal.style(style, result.state.padEnd(10))} ${safeText(result.path)}${reason}`,
    ...below.map((line) => `           ${line}`),
  ].join('\n');
}

/** How many ended how, as one line. */
export function countResults(results: readonly FileResult[]): string {
  const counts = Map.groupBy(results, ({ state }) => state);
  return [...counts].map(([state, files]) => `${files.length} ${state}`).join(', ');
}
