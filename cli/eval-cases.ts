import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { CaseProposal, EvaluationDataset } from '../contracts/evaluation-dataset.ts';
import type { GivenCase } from '../contracts/evaluation-case.ts';
import type { Page } from '../contracts/page.ts';
import { CliError, UsageError } from './cli-error.ts';
import type { CommandContext } from './command.ts';
import { requireDataset } from './eval-datasets.ts';
import { safeText } from './safe-text.ts';

const pollMs = 1000;
const mostDecided = 1000;
type ShownCase = GivenCase & { id: string };

/** `perdure eval propose`: has a model propose cases made of documents, and waits until it has. */
export async function proposeCases(context: CommandContext): Promise<number> {
  const text = { type: 'string' } as const;
  const texts = { type: 'string', multiple: true, default: [] as string[] } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: context.args,
    options: {
      ...{ dataset: text, model: text, source: text, document: texts, instructions: text, tag: texts },
      ...{ passages: text, questions: text, seed: text, detach: flag, json: flag },
    },
  });
  if (values.dataset === undefined) throw new UsageError('Name a data set: --dataset.');
  if (values.model === undefined) throw new UsageError('Name the model that writes the questions: --model.');
  const { api, signal, terminal } = context;
  const dataset = await requireDataset(context, values.dataset, { makeIt: true });
  const path = `/evaluation-datasets/${dataset.id}`;
  const asked = await api.request<CaseProposal>(`${path}/propose`, {
    method: 'POST',
    body: {
      model: values.model,
      ...(values.source !== undefined && { knowledge_source: values.source }),
      ...(values.document.length > 0 && { documents: values.document }),
      ...(values.instructions !== undefined && { instructions: values.instructions }),
      ...(values.tag.length > 0 && { tags: values.tag }),
      ...wholeNumber('passages', values.passages, 'passages'),
      ...wholeNumber('questions_per_passage', values.questions, 'questions'),
      ...wholeNumber('seed', values.seed, 'seed'),
    },
    idempotencyKey: randomUUID(),
    signal,
  });
  let proposal = asked;
  while (!values.detach && proposal.completed_at === null) {
    const { total, open } = proposal.passages;
    terminal.progress(`${total - open} of ${total} passages, ${proposal.proposed} cases …`);
    await delay(pollMs, undefined, { signal });
    proposal = await api.request<CaseProposal>(`${path}/proposals/${asked.id}`, { signal });
  }
  terminal.done();
  if (values.json) terminal.json(proposal);
  else showProposal(context, proposal, dataset.name);
  return values.detach || (proposal.status === 'completed' && proposal.passages.failed === 0) ? 0 : 2;
}

function showProposal({ terminal }: CommandContext, proposal: CaseProposal, dataset: string): void {
  const { id, status, passages, proposed, refused, faults, error } = proposal;
  const style = status === 'completed' ? 'green' : status === 'failed' ? 'red' : 'yellow';
  terminal.line(
    `${id}  ${terminal.style(style, status.padEnd(10))} ${proposed} cases of ${passages.done} passages, ` +
      `${refused} questions refused`,
  );
  for (const fault of faults) terminal.line(`  failed: ${fault.code}: ${safeText(fault.detail)}`);
  if (error) terminal.line(`  ${error.code}: ${safeText(error.detail)}`);
  if (proposed > 0) terminal.note(`Read them with: perdure eval proposed ${safeText(dataset)}`);
}

/** `perdure eval proposed`: the cases of a data set that wait for a person. */
export async function listProposed(context: CommandContext): Promise<number> {
  const { values, positionals } = parseArgs({
    args: context.args,
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false } },
  });
  const dataset = await requireDataset(context, onlyName(positionals));
  const { terminal } = context;
  let count = 0;
  for await (const one of waiting(context, dataset)) {
    count += 1;
    if (values.json) terminal.json(one);
    else {
      const question = 'question' in one.input ? one.input.question : JSON.stringify(one.input);
      terminal.line(`${one.id}  ${safeText(question)}`);
      if (one.expected_answer !== null) terminal.line(`  ${safeText(one.expected_answer)}`);
    }
  }
  if (count === 0 && !values.json) terminal.note('No case waits for a person.');
  return 0;
}

/** `perdure eval accept`: takes proposed cases over into the next version of their data set, or refuses them. */
export async function acceptCases(context: CommandContext): Promise<number> {
  const texts = { type: 'string', multiple: true, default: [] as string[] } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values, positionals } = parseArgs({
    args: context.args,
    allowPositionals: true,
    options: { case: texts, reject: texts, all: flag, json: flag },
  });
  if (!values.all && values.case.length + values.reject.length === 0)
    throw new UsageError(
      'Say which: --case ID or --reject ID, again for each, or --all for all that are not rejected.',
    );
  const { api, signal, terminal } = context;
  const dataset = await requireDataset(context, onlyName(positionals));
  const rejected = new Set(values.reject);
  const accept = [...values.case];
  if (values.all) for await (const { id } of waiting(context, dataset)) if (!rejected.has(id)) accept.push(id);
  let accepted = 0;
  let reject = values.reject;
  do {
    const made = await api.request<{ accepted: number; proposed: number; dataset: EvaluationDataset }>(
      `/evaluation-datasets/${dataset.id}/accept`,
      {
        method: 'POST',
        body: { accept: accept.splice(0, mostDecided), reject },
        idempotencyKey: randomUUID(),
        signal,
      },
    );
    reject = [];
    accepted += made.accepted;
    if (accept.length > 0) continue;
    if (values.json) terminal.json({ ...made, accepted });
    else
      terminal.line(
        `${accepted} cases accepted: "${safeText(dataset.name)}" has ${made.dataset.case_count} in version ${made.dataset.version}.`,
      );
  } while (accept.length > 0);
  return 0;
}

async function* waiting({ api, signal }: CommandContext, { id }: EvaluationDataset): AsyncGenerator<ShownCase> {
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Page<ShownCase> = await api.request<Page<ShownCase>>(
      `/evaluation-datasets/${id}/cases?state=proposed&limit=200${cursor === '' ? '' : `&cursor=${cursor}`}`,
      { signal },
    );
    yield* page.data;
    cursor = page.next_cursor;
  }
}

function onlyName(positionals: readonly string[]): string {
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) throw new UsageError('Name one data set.');
  return name;
}

function wholeNumber(field: string, given: string | undefined, option: string): Record<string, number> {
  if (given === undefined) return {};
  if (!/^\d+$/.test(given)) throw new CliError(`--${option} must be a whole number.`);
  return { [field]: Number(given) };
}
