import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describePlace } from '../../contracts/describe-place.ts';
import type { Conversation } from '../../contracts/conversation.ts';
import type { Document, DocumentsAccepted } from '../../contracts/document.ts';
import type { IngestionJob } from '../../contracts/ingestion-job.ts';
import { ApiClient } from '../../cli/api-client.ts';
import { followEvents } from '../../cli/event-stream.ts';
import { findApiKey, findHome } from '../../cli/find-stack.ts';
import { verifyCitations, type SampleCitation } from './verify-citations.ts';

const docs = fileURLToPath(new URL('../../docs', import.meta.url));
const question = 'What happens to a half-done ingestion when a worker is killed?';
const ingestionTimeoutMs = 300_000;
const answerTimeoutMs = 120_000;
const { values } = parseArgs({
  options: { sample: { type: 'boolean', default: false }, verify: { type: 'boolean', default: false } },
});

const say = (line: string) => process.stdout.write(`${line}\n`);

/**
 * The first session with a new installation: ingests the product's own pages, asks the agent a question about them, and
 * prints the streamed answer with its citations. On later starts it does nothing, unless it is to verify. Returns whether
 * everything was as it should be.
 */
async function runSample(): Promise<boolean> {
  const home = findHome(process.env, fileURLToPath(new URL('../..', import.meta.url)));
  const client = new ApiClient(`http://127.0.0.1:${process.env.PERDURE_PORT ?? '7400'}`, findApiKey(process.env, home));
  const pages = await readPages();
  const first = pages[0];
  if (!first) throw new Error(`There are no Markdown pages in ${docs}`);
  const { data } = await client.request<{ data: Document[] }>(`/documents?path=${encodeURIComponent(first.path)}`);
  if (data.length > 0 && !values.verify) return true;

  say(`\nIngesting the ${pages.length} pages of docs/ …`);
  const accepted = await client.request<DocumentsAccepted>('/documents/batch', {
    method: 'POST',
    body: { documents: pages },
    idempotencyKey: randomUUID(),
  });
  const refused = accepted.documents.filter((document) => document.error !== null);
  for (const document of refused) say(`  ${document.path}: ${document.error?.detail}`);
  const job = accepted.job && (await followJob(client, accepted.job));
  if (job)
    say(`  ${job.processed_documents} of ${job.total_documents} pages are searchable, ${job.failed_documents} failed`);
  for (const error of job?.errors ?? []) say(`  ${error.document}: ${error.error}`);

  say(`\nAsking the agent: ${question}\n`);
  const citations = await ask(client);
  const badQuotes = values.verify ? await verifyCitations(client, docs, citations) : [];
  for (const bad of badQuotes) say(`  ${bad}`);
  if (values.verify && badQuotes.length === 0)
    say(`\nEach of the ${citations.length} quotes stands in the cited file.`);
  return refused.length === 0 && (job?.failed_documents ?? 0) === 0 && citations.length > 0 && badQuotes.length === 0;
}

async function readPages() {
  const files = await readdir(docs, { recursive: true });
  const markdown = files.filter((file) => file.endsWith('.md')).sort();
  return Promise.all(
    markdown.map(async (file) => ({
      path: `docs/${file.split(path.sep).join('/')}`,
      document_type: 'markdown',
      is_global: true,
      text: await readFile(path.join(docs, file), 'utf8'),
    })),
  );
}

async function followJob(client: ApiClient, started: IngestionJob): Promise<IngestionJob> {
  let job = started;
  let shown = -1;
  const signal = AbortSignal.timeout(ingestionTimeoutMs);
  const stream = `/ingestion-jobs/${started.id}/events`;
  for await (const { data } of followEvents(client, stream, { isFinal: ({ event }) => event === 'done', signal })) {
    job = data as IngestionJob;
    const percent = Math.floor(job.progress_percent / 10) * 10;
    if (percent > shown) say(`  ${percent} %`);
    shown = percent;
  }
  return job;
}

async function ask(client: ApiClient): Promise<SampleCitation[]> {
  const post = { method: 'POST', idempotencyKey: randomUUID() } as const;
  const conversation = await client.request<Conversation>('/conversations', { ...post, body: { agent: 'assistant' } });
  const { turn } = await client.request<{ turn: { id: string } }>(`/conversations/${conversation.id}/messages`, {
    ...post,
    idempotencyKey: randomUUID(),
    body: { content: question },
  });
  const citations: SampleCitation[] = [];
  let end = '';
  const isFinal = ({ event }: { event: string }) => ['done', 'error', 'cancelled'].includes(event);
  const signal = AbortSignal.timeout(answerTimeoutMs);
  for await (const { event, data } of followEvents(client, `/turns/${turn.id}/events`, { isFinal, signal })) {
    const fields = data as Record<string, unknown>;
    if (event === 'text_delta') process.stdout.write(String(fields['text']));
    if (event === 'reset') say('\n(The worker died; the answer begins again.)\n');
    if (event === 'citation') citations.push(fields as SampleCitation);
    if (event === 'error') say(`The answer failed: ${String(fields['detail'])}`);
    if (isFinal({ event })) end = event;
  }
  say('\n');
  for (const citation of citations) {
    const place = [citation.source_url ?? citation.title, describePlace(citation)]
      .filter((part) => part !== '')
      .join(', ');
    say(`  [${citation.marker}] ${place}: "${citation.quote.replace(/\s+/g, ' ')}"`);
  }
  if (end !== 'done') throw new Error(`The turn ended with "${end}" in place of an answer`);
  return citations;
}

if (!values.sample && !values.verify) process.exit(0);
runSample().then(
  (ok) => process.exit(ok ? 0 : 1),
  (error: unknown) => {
    process.stderr.write(`The sample failed: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
