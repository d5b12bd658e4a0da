import type { EntityManager } from '@mikro-orm/postgresql';
import { PerdureError } from '../../contracts/errors.ts';
import type { CreateEvaluation, GivenTarget, GivenVariant } from '../../contracts/evaluation.ts';
import type {
  EvaluationConfiguration,
  EvaluationPlan,
  PlannedModel,
  PlannedReference,
  PlannedVariant,
} from '../../contracts/names/evaluation-plan.ts';
import { readPlannedModel, readPlannedReference } from '../../entities/evaluations/planned-reference-repository.ts';
import { requireReference } from '../framework/require-reference.ts';
import type { RouteDeps } from '../framework/route.ts';
import type { ChosenMetric } from './evaluation-desk.ts';

/** What a request for a run comes to. */
export type PlannedEvaluation = {
  targetId: string | null;
  target: EvaluationPlan;
  configuration: EvaluationConfiguration;
};

/**
 * Resolves everything that a request names, as it is now: what the run measures does not change under it.
 * @throws PerdureError `bad_request` or `unknown_model` that names the field.
 */
export async function planEvaluation(
  em: EntityManager,
  body: CreateEvaluation,
  deps: RouteDeps,
): Promise<PlannedEvaluation> {
  const metrics = body.metrics.map((given, index) => readMetric(deps, given, `body.metrics.${index}`));
  const labels = new Set<string>();
  for (const [index, { label }] of metrics.entries()) {
    if (labels.has(label)) throw refused(`body.metrics.${index}`, `"${label}" is there twice; give one a label`);
    labels.add(label);
  }
  const gates = body.gates.map((given, index) => {
    const path = `body.gates.${index}`;
    const read = deps.evaluations.readGate(given);
    if ('mistakes' in read) throw refused(path, read.mistakes.join(' '));
    const metric = String(read.gate['metric']);
    if (!labels.has(metric)) throw refused(path, `there is no metric "${metric}" in this run`);
    return read.gate;
  });
  const judge = await judgeOf(em, body.judge, metrics);
  const judgeEmbedding = await judgeEmbeddingOf(em, body.judge_embedding, metrics);
  const variants: PlannedVariant[] = [];
  for (const [index, variant] of body.variants.entries())
    variants.push(await planVariant(em, body.target, variant, `body.variants.${index}`, deps));
  const first = variants[0]!;
  const measured = { agent: first.agent, rag_tool: first.ragTool, retrieval_tool: first.retrievalTool };
  const reference =
    body.target.type === 'prompt_template' ? first.template : measured[body.target.type as keyof typeof measured];
  return {
    targetId: reference?.id ?? null,
    target: {
      name: reference?.name ?? (body.target.type === 'endpoint' ? body.target.url : ''),
      variants,
      judge,
      judgeEmbedding,
    },
    configuration: {
      metrics: metrics.map(({ label, name, parameters }) => ({ label, name, parameters })),
      gates,
      repetitions: body.repetitions,
      seed: body.seed,
      lanes: body.lanes,
      rate: body.rate,
      patience_seconds: body.patience_seconds,
      user: body.user ?? null,
      tags: body.tags,
      limit: body.limit ?? null,
    },
  };
}

function readMetric(deps: RouteDeps, given: unknown, path: string): ChosenMetric {
  const read = deps.evaluations.readMetric(given);
  if ('mistakes' in read) throw refused(path, read.mistakes.join(' '));
  return read.metric;
}

async function judgeOf(
  em: EntityManager,
  named: string | undefined,
  metrics: readonly ChosenMetric[],
): Promise<PlannedModel | null> {
  if (named !== undefined) return chatModel(em, named, 'body.judge');
  const judged = metrics.find(({ needsJudge }) => needsJudge);
  if (judged) throw refused('body.judge', `the metric "${judged.label}" needs a model that judges`);
  return null;
}

async function judgeEmbeddingOf(
  em: EntityManager,
  named: string | undefined,
  metrics: readonly ChosenMetric[],
): Promise<PlannedModel | null> {
  const path = 'body.judge_embedding';
  if (named !== undefined) {
    const { kind, ...model } = await readPlannedModel(em, await requireReference(em, 'models', path, named));
    if (kind !== 'embedding') throw refused(path, `"${model.name}" is no embedding model`);
    return model;
  }
  const compared = metrics.find(({ needsEmbedding }) => needsEmbedding);
  if (compared) throw refused(path, `the metric "${compared.label}" needs an embedding model`);
  return null;
}

async function chatModel(em: EntityManager, named: string, path: string): Promise<PlannedModel> {
  const { kind, ...model } = await readPlannedModel(em, await requireReference(em, 'models', path, named));
  if (kind !== 'chat') throw refused(path, `"${model.name}" is no chat model`);
  return model;
}

async function planVariant(
  em: EntityManager,
  target: GivenTarget,
  variant: GivenVariant,
  path: string,
  deps: RouteDeps,
): Promise<PlannedVariant> {
  const {
    name,
    agent,
    model,
    prompt_template: template,
    instructions,
    temperature,
    max_tokens,
    url,
    ...search
  } = variant;
  const fits = checkFields(target, variant);
  if (fits !== null) throw refused(`${path}.${fits}`, `does not go with a target of the type ${target.type}`);
  const reference = async (
    table: 'agents' | 'prompt_templates' | 'rag_tools' | 'retrieval_tools',
    own: string | undefined,
    field: string,
    given: string,
  ): Promise<PlannedReference> => {
    const at = own === undefined ? `body.target.${field}` : `${path}.${field}`;
    return readPlannedReference(em, table, await requireReference(em, table, at, own ?? given));
  };
  const modelName = model ?? ('model' in target ? target.model : undefined);
  const modelPath = model === undefined ? 'body.target.model' : `${path}.model`;
  return {
    name,
    agent: target.type === 'agent' ? await reference('agents', agent, 'agent', target.agent) : null,
    ragTool:
      target.type === 'rag_tool' || target.type === 'retrieval_tool'
        ? await reference('rag_tools', undefined, 'rag_tool', target.rag_tool)
        : null,
    retrievalTool:
      target.type === 'retrieval_tool'
        ? await reference('retrieval_tools', undefined, 'retrieval_tool', target.retrieval_tool)
        : null,
    template:
      target.type === 'prompt_template'
        ? await reference('prompt_templates', template, 'prompt_template', target.prompt_template)
        : null,
    model: modelName === undefined ? null : await chatModel(em, modelName, modelPath),
    endpoint:
      target.type === 'endpoint'
        ? {
            url: url ?? target.url,
            headersSealed: Object.keys(target.headers).length === 0 ? null : deps.seal(JSON.stringify(target.headers)),
            answer: target.answer,
            contexts: target.contexts ?? null,
          }
        : null,
    instructions: instructions ?? (target.type === 'rag_tool' ? (target.instructions ?? null) : null),
    temperature: temperature ?? null,
    maxTokens: max_tokens ?? null,
    search: Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined)),
  };
}

const calling = ['model', 'temperature', 'max_tokens'];
const searching = [
  ...['top_k', 'strategy', 'fusion', 'metric', 'candidates', 'ef_search', 'min_score', 'neighbours'],
  ...['max_per_document', 'rerank', 'rewrite', 'filters'],
];
const fieldsOf: Record<GivenTarget['type'], readonly string[]> = {
  agent: ['agent'],
  rag_tool: [...calling, ...searching, 'instructions'],
  retrieval_tool: searching,
  prompt_template: [...calling, 'prompt_template'],
  endpoint: ['url'],
};

/** The first field of a variant that its target knows nothing of; null when there is none. */
function checkFields({ type }: GivenTarget, { name: _name, ...variant }: GivenVariant): string | null {
  const known = new Set(fieldsOf[type]);
  return Object.entries(variant).find(([field, value]) => value !== undefined && !known.has(field))?.[0] ?? null;
}

function refused(path: string, message: string): PerdureError {
  return new PerdureError('bad_request', `${path}: ${message}`, { errors: [{ path, message }] });
}
