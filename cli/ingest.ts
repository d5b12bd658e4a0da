import { parseArgs } from 'node:util';
import { countOf } from '../contracts/names/count-of.ts';
import { UsageError } from './cli-error.ts';
import { collectFiles } from './collect-files.ts';
import type { Command } from './command.ts';
import { countResults, isFailure, resultLine, skippedFile } from './file-result.ts';
import type { FileResult } from './file-result.ts';
import { ingestFiles } from './ingest-files.ts';
import { ownName } from './own-name.ts';
import { findSource } from './sources.ts';

/** `perdure ingest`: brings files and folders in, and tells of each what became of it. */
export const ingest: Command = {
  name: 'ingest',
  summary: 'Ingest files and folders: documents, web pages, mail, data and code',
  usage: `Usage: perdure ingest <path…> [--base FOLDER] [--source NAME] [--user NAME] [--password TEXT] [--json]

  --base FOLDER    documents are known by their paths relative to it (default: the current folder)
  --source NAME    the knowledge source (default: uploads); "perdure sources add NAME" makes one
  --user NAME      the owner; the documents are then visible to this user alone
  --password TEXT  opens encrypted documents among them
  --json           one object a line: {"path", "state", "type", "warnings", "reason", "hint", "characters", "chunks", …}

What a file is, is found from its content; hidden files and node_modules are left out of folders, and links
within them are listed as skipped. The same path again with
new content replaces the document once the new text is complete; with the same content nothing is done. The exit code is 1
if any file failed. Ctrl-C stops watching: what was accepted is ingested all the same.`,
  async run(context) {
    const { values, positionals } = parseArgs({
      args: context.args,
      allowPositionals: true,
      options: {
        base: { type: 'string' },
        source: { type: 'string' },
        user: { type: 'string' },
        password: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    if (positionals.length === 0) throw new UsageError('Name the files or folders to ingest.');
    const { files, skipped } = await collectFiles(positionals, process.cwd(), values.base);
    const { terminal, env } = context;
    if (files.length + skipped.length === 0) throw new UsageError('There is nothing to ingest: no file was found.');
    if (values.source !== undefined) await findSource(context, values.source);
    const results: FileResult[] = [];
    const jobs = new Set<string>();
    const tell = (result: FileResult): void => {
      results.push(result);
      if (values.json) terminal.json(result);
      else terminal.line(resultLine(terminal, result));
    };
    for (const one of skipped) tell(skippedFile(one));
    const total = countOf(files.length + skipped.length, 'file');
    terminal.progress(`${results.length} of ${total} …`);
    const { source, user, password } = values;
    for await (const news of ingestFiles(context, files, { source, user, password })) {
      if ('result' in news) tell(news.result);
      else if (news.job.failed_documents > 0) jobs.add(news.job.id);
      const working = 'working' in news && news.working;
      const current = working ? `, ${working.stage} ${working.path ?? working.title} ${working.percent} %` : '';
      terminal.progress(`${results.length} of ${total}${current} …`);
    }
    terminal.done();
    if (!values.json) {
      terminal.note(countResults(results));
      for (const id of jobs) terminal.note(terminal.noteStyle('dim', `Once mended: ${ownName(env)} retry --job ${id}`));
    }
    return results.some(isFailure) ? 1 : 0;
  },
};
