import { parseArgs } from 'node:util';
import type { Evaluation } from '../contracts/evaluation.ts';
import type { Page } from '../contracts/page.ts';
import { CliError, UsageError } from './cli-error.ts';
import type { Command, CommandContext } from './command.ts';
import { acceptCases, listProposed, proposeCases } from './eval-cases.ts';
import { runEvaluation } from './eval-run.ts';
import { exitCodeOf, followEvaluation, showEvaluation, summaryLine } from './eval-view.ts';

/** `perdure eval`: measures a target on a data set, and tells by its exit code whether the gates hold. */
export const evaluation: Command = {
  name: 'eval',
  summary: 'Measure an agent, a tool, a prompt or an endpoint; exit code 0 passed, 1 failed, 2 incomplete or error',
  usage: `Usage: perdure eval run --dataset FILE|NAME --target KIND:NAME --metric METRIC [options]
       perdure eval list [--json]
       perdure eval show|cancel|retry ID|NAME [--json]
       perdure eval report ID|NAME [--format json|csv|junit|markdown] [--baseline ID|NAME]
       perdure eval propose --dataset NAME --model NAME [--passages N] [--questions N] [--source NAME] [--document ID]
                            [--instructions TEXT] [--tag TAG] [--seed N] [--detach] [--json]
       perdure eval proposed DATASET [--json]
       perdure eval accept DATASET --all | --case ID … [--reject ID …] [--json]

  --dataset FILE|NAME   a CSV, JSONL or XLSX file, whose data set gets a new version where it differs; or a data set
  --target KIND:NAME    agent:NAME, rag_tool:NAME, retrieval_tool:NAME, prompt_template:NAME, or endpoint:URL
  --model NAME          of a prompt template, or the one that answers from what a RAG tool finds
  --metric METRIC       such as recall@5 or faithfulness, or an object in JSON; again for each
  --gate GATE           such as "faithfulness>=0.8", "p95(latency_ms)<=2000" or "mrr no_regression_beyond 0.02"; again for each
  --judge NAME          the model that judges; --judge-embedding NAME for metrics of similarity
  --variant JSON        such as '{"name": "wide", "top_k": 20}'; again for each
  --baseline ID|NAME    a run to compare with, case by case
  --repetitions N, --seed N, --lanes N, --rate CALLS_A_MINUTE, --patience SECONDS, --limit CASES, --tag TAG, --user USER
  --reuse               take over what earlier runs have, where case, target and metric are unchanged
  --name NAME           of the run; --git-revision REVISION, else that of the working folder
  --junit FILE, --csv FILE, --markdown FILE
                        write the report
  --detach              do not wait for the verdict
  --json                one object: the run

  propose has a model write questions with answers about passages of documents; they wait until accept takes them over.

Examples:
  perdure eval run --dataset cases.csv --target agent:support --metric contains --gate "contains>=0.9" --junit report.xml
  perdure eval run --dataset faq --target rag_tool:documents --metric recall@5 --variant '{"name": "wide", "top_k": 20}'
  perdure eval propose --dataset faq --model gpt --source handbook
  perdure eval accept faq --all

Exit code: 0 the verdict is passed, 1 failed, 2 incomplete or something went wrong. Ctrl-C stops watching: the run goes on.`,
  async run(context) {
    const [verb, ...args] = context.args;
    const work = verb === undefined ? undefined : verbs[verb];
    if (work === undefined) throw new UsageError(`Say what to do: ${Object.keys(verbs).join(', ')}.`);
    try {
      return await work({ ...context, args });
    } catch (error) {
      // 1 is for a verdict alone.
      if (error instanceof CliError && error.exitCode === 1) throw new CliError(error.message, 2);
      throw error;
    }
  },
};

type Verb = (context: CommandContext) => Promise<number>;

const verbs: Record<string, Verb> = {
  run: runEvaluation,
  list,
  show: async (context) => {
    const { run, json } = await named(context);
    showEvaluation(context, run, json);
    return run.completed_at === null ? 0 : exitCodeOf(run);
  },
  cancel: async (context) => {
    const { run, json } = await named(context);
    const ended = await context.api.request<Evaluation>(`/evaluations/${run.id}/cancel`, { method: 'POST', body: {} });
    showEvaluation(context, ended, json);
    return 0;
  },
  retry: async (context) => {
    const { run, json } = await named(context);
    await context.api.request<Evaluation>(`/evaluations/${run.id}/retry`, { method: 'POST', body: {} });
    const ended = await followEvaluation(context, run.id);
    showEvaluation(context, ended, json);
    return exitCodeOf(ended);
  },
  report,
  propose: proposeCases,
  proposed: listProposed,
  accept: acceptCases,
};

async function list({ args, api, terminal }: CommandContext): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: 'boolean', default: false } } });
  const { data } = await api.request<Page<Evaluation>>('/evaluations');
  for (const run of data) {
    if (values.json) terminal.json(run);
    else terminal.line(summaryLine(terminal, run));
  }
  if (data.length === 0 && !values.json) terminal.note('There is no evaluation yet.');
  return 0;
}

async function report(context: CommandContext): Promise<number> {
  const { values, positionals } = parseArgs({
    args: context.args,
    allowPositionals: true,
    options: { format: { type: 'string', default: 'markdown' }, baseline: { type: 'string' } },
  });
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) throw new UsageError('Name one evaluation.');
  const run = await findRun(context, name);
  const query = new URLSearchParams({ format: values.format, ...(values.baseline && { baseline: values.baseline }) });
  context.terminal.write(
    `${(await context.api.text(`/evaluations/${run.id}/report?${query.toString()}`)).trimEnd()}\n`,
  );
  return 0;
}

async function named(context: CommandContext): Promise<{ run: Evaluation; json: boolean }> {
  const { values, positionals } = parseArgs({
    args: context.args,
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false } },
  });
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) throw new UsageError('Name one evaluation.');
  return { run: await findRun(context, name), json: values.json };
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

async function findRun({ api }: CommandContext, name: string): Promise<Evaluation> {
  if (uuid.test(name)) return api.request<Evaluation>(`/evaluations/${name}`);
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Page<Evaluation> = await api.request<Page<Evaluation>>(
      `/evaluations?limit=200${cursor === '' ? '' : `&cursor=${cursor}`}`,
    );
    const run = page.data.find((each) => each.name === name);
    if (run) return run;
    cursor = page.next_cursor;
  }
  throw new CliError(`There is no evaluation "${name}"; see "perdure eval list".`);
}
