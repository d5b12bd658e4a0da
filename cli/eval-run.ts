import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import type { Evaluation } from '../contracts/evaluation.ts';
import { CliError, UsageError } from './cli-error.ts';
import type { CommandContext } from './command.ts';
import { findDataset, makeDataset } from './eval-datasets.ts';
import { exitCodeOf, followEvaluation, showEvaluation } from './eval-view.ts';

const mediaTypes: Record<string, string> = {
  '.csv': 'text/csv',
  '.tsv': 'text/tab-separated-values',
  '.jsonl': 'application/x-ndjson',
  '.ndjson': 'application/x-ndjson',
  '.xlsx': 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
};
const reports = ['junit', 'csv', 'markdown'] as const;
const numbers = ['repetitions', 'seed', 'lanes', 'rate', 'limit'] as const;

/** `perdure eval run`: asks for a run, follows it and gives the exit code of its verdict. */
export async function runEvaluation(context: CommandContext): Promise<number> {
  const text = { type: 'string' } as const;
  const texts = { type: 'string', multiple: true, default: [] as string[] } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: context.args,
    options: {
      ...{ dataset: text, target: text, model: text, name: text, judge: text, 'judge-embedding': text, user: text },
      ...{ metric: texts, gate: texts, variant: texts, tag: texts, baseline: text, 'git-revision': text },
      ...{ repetitions: text, seed: text, lanes: text, rate: text, limit: text, patience: text },
      ...{ junit: text, csv: text, markdown: text, reuse: flag, detach: flag, json: flag },
    },
  });
  if (values.dataset === undefined) throw new UsageError('Name a data set, or a file with cases: --dataset.');
  if (values.target === undefined) throw new UsageError('Say what to measure: --target KIND:NAME.');
  if (values.metric.length === 0) throw new UsageError('Say by what to measure: --metric, at least once.');
  const { api, signal, terminal } = context;
  const dataset = await datasetOf(context, values.dataset);
  const revision = values['git-revision'] ?? (await gitRevision());
  const body = {
    dataset,
    target: targetOf(values.target, values.model),
    metrics: values.metric.map(orJson),
    gates: values.gate.map(orJson),
    ...(values.variant.length > 0 && { variants: values.variant.map((given) => json(given, '--variant')) }),
    ...(values.tag.length > 0 && { tags: values.tag }),
    ...Object.fromEntries(
      numbers.flatMap((name) => (values[name] === undefined ? [] : [[name, numberOf(values[name], name)]])),
    ),
    ...(values.patience !== undefined && { patience_seconds: numberOf(values.patience, 'patience') }),
    ...(values.judge !== undefined && { judge: values.judge }),
    ...(values['judge-embedding'] !== undefined && { judge_embedding: values['judge-embedding'] }),
    ...(values.name !== undefined && { name: values.name }),
    ...(values.user !== undefined && { user: values.user }),
    ...(values.baseline !== undefined && { baseline: values.baseline }),
    ...(revision !== null && { git_revision: revision }),
    reuse: values.reuse,
  };
  const started = await api.request<Evaluation>('/evaluations', {
    method: 'POST',
    body,
    idempotencyKey: randomUUID(),
    signal,
  });
  if (values.detach) {
    if (values.json) terminal.json(started);
    else terminal.line(started.id);
    return 0;
  }
  const ended = await followEvaluation(context, started.id);
  showEvaluation(context, ended, values.json);
  for (const format of reports) {
    const file = values[format];
    if (file !== undefined) await writeFile(file, await api.text(`/evaluations/${ended.id}/report?format=${format}`));
  }
  return exitCodeOf(ended);
}

/** The name of the data set; that of a file is brought up to date with it first. */
async function datasetOf({ api, signal, terminal }: CommandContext, given: string): Promise<string> {
  const mediaType = mediaTypes[path.extname(given).toLowerCase()];
  const isFile = mediaType !== undefined && (await stat(given).catch(() => null))?.isFile() === true;
  if (!isFile) {
    if (mediaType !== undefined) throw new CliError(`There is no file ${given}.`);
    return given;
  }
  const name = path.basename(given, path.extname(given));
  const known = await findDataset({ api, signal }, name);
  const { id } = known ?? (await makeDataset({ api, signal }, name));
  const bytes = new Uint8Array(await readFile(given));
  const imported = await api.request<{ version: number; added: number; changed: number; removed: number }>(
    `/evaluation-datasets/${id}/import?name=${encodeURIComponent(path.basename(given))}`,
    { method: 'POST', upload: { bytes, mediaType }, idempotencyKey: randomUUID(), signal },
  );
  const { version, added, changed, removed } = imported;
  terminal.note(`Data set "${name}", version ${version}: ${added} added, ${changed} changed, ${removed} removed.`);
  return id;
}

function targetOf(given: string, model: string | undefined): Record<string, unknown> {
  const [kind = '', ...rest] = given.split(':');
  const name = rest.join(':');
  if (name === '') throw new UsageError(`--target is "${given}"; write KIND:NAME, such as agent:assistant.`);
  if (kind === 'endpoint') return { type: kind, url: name };
  if (!['agent', 'rag_tool', 'retrieval_tool', 'prompt_template'].includes(kind))
    throw new UsageError(`--target knows no "${kind}": agent, rag_tool, retrieval_tool, prompt_template or endpoint.`);
  return { type: kind, [kind]: name, ...(model !== undefined && { model }) };
}

function orJson(given: string): unknown {
  return given.trimStart().startsWith('{') ? json(given, given) : given;
}

function json(given: string, what: string): unknown {
  try {
    return JSON.parse(given) as unknown;
  } catch {
    throw new UsageError(`${what} is no JSON.`);
  }
}

function numberOf(given: string, name: string): number {
  const value = Number(given);
  if (given.trim() === '' || !Number.isFinite(value)) throw new UsageError(`--${name} must be a number.`);
  return value;
}

async function gitRevision(): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)('git', ['rev-parse', 'HEAD']);
    return stdout.trim();
  } catch {
    return null;
  }
}
