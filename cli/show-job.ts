import type { CommandContext } from './command.ts';
import { countResults, isFailure, resultLine, type FileResult } from './file-result.ts';
import { ownName } from './own-name.ts';
import { jobLine, watchJob } from './watch-job.ts';

/** Shows a job live until it ends: a line for each document, or one object a line; gives the exit code. */
export async function showJob(context: CommandContext, jobId: string, { json }: { json: boolean }): Promise<number> {
  const { terminal, env } = context;
  const results: FileResult[] = [];
  let failed = 0;
  for await (const news of watchJob(context, jobId, ({ path, title }) => path ?? title)) {
    if ('result' in news) {
      results.push(news.result);
      if (json) terminal.json(news.result);
      else terminal.line(resultLine(terminal, news.result));
    } else {
      failed = news.job.failed_documents;
      if (news.ended) terminal.done();
      else terminal.progress(jobLine(news.job, news.working));
    }
  }
  terminal.done();
  if (!json) {
    terminal.note(countResults(results));
    if (failed > 0) terminal.note(terminal.noteStyle('dim', `Once mended: ${ownName(env)} retry --job ${jobId}`));
  }
  return failed > 0 || results.some(isFailure) ? 1 : 0;
}
