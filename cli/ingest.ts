import { parseArgs } from 'node:util';
import { UsageError } from './cli-error.ts';
import { collectFiles } from './collect-files.ts';
import type { Command } from './command.ts';
import { ingestFiles } from './ingest-files.ts';
import type { FileResult } from './ingest-files.ts';
import { safeText } from './safe-text.ts';
import type { Terminal } from './terminal.ts';

/** `perdure ingest`: brings files and folders in, and tells of each what became of it. */
export const ingest: Command = {
  name: 'ingest',
  summary: 'Ingest files and folders: Markdown, text and HTML',
  usage: `Usage: perdure ingest <path…> [--base FOLDER] [--source NAME] [--user NAME] [--json]

  --base FOLDER   documents are known by their paths relative to it (default: the current folder)
  --source NAME   the knowledge source (default: uploads)
  --user NAME     the owner; the documents are then visible to this user alone
  --json          one object a line: {"path", "state", "type", "warnings", "reason", "characters", "chunks", …}

The same path again with new content replaces the document once the new text is complete; with the same content nothing
is done. The exit code is 1 if any file failed. Ctrl-C stops watching: what was accepted is ingested all the same.`,
  async run(context) {
    const { values, positionals } = parseArgs({
      args: context.args,
      allowPositionals: true,
      options: {
        base: { type: 'string' },
        source: { type: 'string' },
        user: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    if (positionals.length === 0) throw new UsageError('Name the files or folders to ingest.');
    const { files, ignored } = await collectFiles(positionals, process.cwd(), values.base);
    const { terminal } = context;
    if (files.length === 0)
      throw new UsageError('There is nothing to ingest: no Markdown, text or HTML file was found.');
    const results: FileResult[] = [];
    const progress = (): void => terminal.progress(progressLine(results, files.length));
    progress();
    const ingesting = ingestFiles(context, files, { source: values.source, user: values.user });
    for await (const result of ingesting) {
      results.push(result);
      if (values.json) terminal.json(result);
      else terminal.line(resultLine(terminal, result));
      progress();
    }
    terminal.done();
    if (!values.json) terminal.note(summary(results, ignored));
    return results.some(({ state }) => state === 'failed' || state === 'cancelled') ? 1 : 0;
  },
};

function resultLine(terminal: Terminal, result: FileResult): string {
  const style = result.state === 'failed' || result.state === 'cancelled' ? 'red' : 'green';
  const figures = result.chunks === null ? '' : `  ${result.chunks} chunks, ${result.characters ?? 0} characters`;
  const reason = result.reason === null ? figures : `  ${safeText(result.reason)}`;
  const warnings = result.warnings
    .map(({ code, detail }) => `\n           ${terminal.style('yellow', safeText(`${code}: ${detail}`))}`)
    .join('');
  return `${terminal.style(style, result.state.padEnd(10))} ${result.path}${reason}${warnings}`;
}

function progressLine(results: readonly FileResult[], total: number): string {
  const failed = results.filter(({ state }) => state === 'failed').length;
  return `${results.length} of ${total} files${failed > 0 ? `, ${failed} failed` : ''} …`;
}

function summary(results: readonly FileResult[], ignored: number): string {
  const counts = Map.groupBy(results, ({ state }) => state);
  const parts = [...counts].map(([state, files]) => `${files.length} ${state}`);
  return `${parts.join(', ')}${ignored > 0 ? `; ${ignored} of other types left out` : ''}`;
}
