import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { IngestionJob } from '../contracts/ingestion-job.ts';
import { UsageError } from './cli-error.ts';
import type { Command } from './command.ts';
import { showJob } from './show-job.ts';
import { findSource } from './sources.ts';

type Retried = { job: IngestionJob | null; documents: { document_id: string; generation: number }[] };

/** `perdure retry`: ingests what failed again, from the bytes that were kept. */
export const retry: Command = {
  name: 'retry',
  summary: 'Ingest again what failed: a document, a job, or a whole source',
  usage: `Usage: perdure retry DOCUMENT [--password TEXT] [--json]
       perdure retry --job ID [--json]
       perdure retry --source NAME [--json]

  --job ID         all documents of the job that failed or were cancelled
  --source NAME    all documents of the knowledge source that failed
  --password TEXT  opens the document if it is encrypted
  --json           one object a line: {"path", "state", "type", "warnings", "reason", "hint", "characters", "chunks", …}

Nothing that was done is done again: chunks that were embedded are not paid for twice. The exit code is 1 if any of them
failed again. Ctrl-C stops watching, not the work.`,
  async run(context) {
    const { values, positionals } = parseArgs({
      args: context.args,
      allowPositionals: true,
      options: {
        job: { type: 'string' },
        source: { type: 'string' },
        password: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const [document, ...more] = positionals;
    const named = [document, values.job, values.source].filter((one) => one !== undefined);
    if (named.length !== 1 || more.length > 0) throw new UsageError('Name a document, a job or a source.');
    const path =
      document !== undefined
        ? `/documents/${encodeURIComponent(document)}/retry`
        : values.job !== undefined
          ? `/ingestion-jobs/${encodeURIComponent(values.job)}/retry`
          : `/knowledge-sources/${encodeURIComponent((await findSource(context, values.source!)).id)}/retry`;
    const body = document !== undefined && values.password !== undefined ? { password: values.password } : undefined;
    const { signal } = context;
    const retried = await context.api.request<Retried>(path, {
      method: 'POST',
      ...(body === undefined ? {} : { body }),
      signal,
      idempotencyKey: randomUUID(),
    });
    if (!retried.job) {
      context.terminal.note('There is nothing to retry.');
      return 0;
    }
    return showJob(context, retried.job.id, values);
  },
};
