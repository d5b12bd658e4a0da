import type { CommandContext } from './command.ts';
import { countResults, isFailure, resultLine, type FileResult } from './file-result.ts';
import { ownName } from './own-name.ts';
import { unfetchedResults } from './unfetched-results.ts';
import { jobLine, watchJob } from './watch-job.ts';

/** Shows a job live until it ends: a line for each document, or one object a line; gives the exit code. */
export async function showJob(context: CommandContext, jobId: string, { json }: { json: boolean }): Promise<number> {
  const { terminal, env } = context;
  const results: FileResult[] = [];
  let failed = 0;
  const show = (result: FileResult) => {
    results.push(result);
    if (json) terminal.json(result);
    else terminal.line(resultLine(terminal, result));
  };
  let retryable = false;
  for await (const news of watchJob(context, jobId, ({ path, title }) => path ?? title)) {
    if ('result' in news) {
      show(news.result);
      retryable ||= isFailure(news.result);
    } else {
      failed = news.job.failed_documents;
      if (news.ended) {
        terminal.done();
        const told = new Set(results.map((result) => result.document_id));
        for (const result of await unfetchedResults(context, news.job, told)) show(result);
      } else terminal.progress(jobLine(news.job, news.working));
    }
  }
  terminal.done();
  if (!json) {
    terminal.note(countResults(results));
    // What could not be fetched left no bytes to try again with.
    if (retryable) terminal.note(terminal.noteStyle('dim', `Once mended: ${ownName(env)} retry --job ${jobId}`));
  }
  return failed > 0 || results.some(isFailure) ? 1 : 0;
}
