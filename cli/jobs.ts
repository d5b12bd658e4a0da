import { parseArgs } from 'node:util';
import type { IngestionJob } from '../contracts/ingestion-job.ts';
import { UsageError } from './cli-error.ts';
import type { Command, CommandContext } from './command.ts';
import { showJob } from './show-job.ts';
import { safeText } from './safe-text.ts';

/** `perdure jobs`: the ingestion jobs and how far they are, or one of them with its documents. */
export const jobs: Command = {
  name: 'jobs',
  summary: 'List ingestion jobs, or watch one; exit code 1 if any of its documents failed',
  usage: `Usage: perdure jobs [--status STATUS] [--json]
       perdure jobs ID [--watch] [--json]

  --status STATUS  queued, processing, completed, failed or partial
  --watch          stay until the job has ended, and show each document as it does
  --json           one object a line`,
  async run(context) {
    const { values, positionals } = parseArgs({
      args: context.args,
      allowPositionals: true,
      options: {
        status: { type: 'string' },
        watch: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    const [id, ...more] = positionals;
    if (more.length > 0) throw new UsageError('Name one job.');
    if (id === undefined) return listJobs(context, values);
    if (values.watch) return showJob(context, id, values);
    const job = await context.api.request<IngestionJob>(`/ingestion-jobs/${encodeURIComponent(id)}`);
    if (values.json) context.terminal.json(job);
    else showOne(context, job);
    return job.failed_documents > 0 ? 1 : 0;
  },
};

async function listJobs(
  { api, terminal }: CommandContext,
  { status, json }: { status?: string | undefined; json: boolean },
): Promise<number> {
  const filter = status === undefined ? '' : `?status=${encodeURIComponent(status)}`;
  const { data } = await api.request<{ data: IngestionJob[] }>(`/ingestion-jobs${filter}`);
  for (const job of data) {
    if (json) terminal.json(job);
    else terminal.line(summaryLine(terminal, job));
  }
  if (data.length === 0 && !json) terminal.note('There is no such job.');
  return 0;
}

function summaryLine(terminal: CommandContext['terminal'], job: IngestionJob): string {
  const style = job.status === 'failed' || job.status === 'partial' ? 'red' : 'green';
  const failed = job.failed_documents > 0 ? `, ${job.failed_documents} failed` : '';
  const done = job.processed_documents + job.failed_documents;
  return `${job.id}  ${terminal.style(style, job.status.padEnd(10))} ${done} of ${job.total_documents}${failed}  ${job.created_at}`;
}

function showOne({ terminal }: CommandContext, job: IngestionJob): void {
  terminal.line(summaryLine(terminal, job));
  for (const { document, error } of job.errors) terminal.line(`  ${document}  ${safeText(error)}`);
}
