import { createHash } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { EvaluationConfiguration, EvaluationPlan, PlannedVariant } from '../../contracts/names/evaluation-plan.ts';
import { canonicalJson } from '../../domain/turns/canonical-json.ts';
import { modelsOf, type MetricChoice } from '../../domain/metrics/metric.ts';
import { readMetricChoice } from '../../domain/metrics/read-metric-choice.ts';
import { readRunPlan, type EvaluationKey, type RunPlan } from '../../entities/evaluations/evaluation-repository.ts';
import { readCalledModels, readFaultyLines, type CalledModel } from '../../entities/evaluations/run-pace-repository.ts';
import type { TemplateSnapshot } from '../../entities/agents/prompt-template-version-repository.ts';
import type { ChatModel } from '../../providers/chat-model.ts';
import { itemFenced } from './change-writer.ts';
import type { EvaluationDeps } from './evaluation-deps.ts';

/** A metric of a run; the hash is of everything that decides its scores, besides the item. */
export type RunMetric = MetricChoice & { hash: string };

/** A run as the steps of one block see it. */
export type Run = {
  deps: EvaluationDeps;
  key: EvaluationKey;
  plan: RunPlan;
  metrics: readonly RunMetric[];
  models: ReadonlyMap<string, CalledModel>;
  /** Templates by version and opened models by id, for the next item. */
  templates: Map<string, TemplateSnapshot>;
  chatModels: Map<string, ChatModel>;
  /** Lines whose calls have failed lately, as far as this step knows. */
  faulty: Set<string>;
  signal: AbortSignal;
};

/** Reads what a step needs of its run. @throws ApplicationFailure `fenced` where there is none. */
export async function openRun(
  em: EntityManager,
  deps: EvaluationDeps,
  key: EvaluationKey,
  signal: AbortSignal,
): Promise<Run> {
  const plan = await readRunPlan(em, key);
  if (plan === null) throw itemFenced();
  const { target } = plan;
  const planned = [...target.variants.map(({ model }) => model), target.judge, target.judgeEmbedding];
  const models = await readCalledModels(
    em,
    planned.flatMap((model) => (model === null ? [] : [model.id])),
  );
  const faulty = new Set(await readFaultyLines(em, key));
  const metrics = runMetrics(target, plan.configuration);
  return { deps, key, plan, metrics, models, templates: new Map(), chatModels: new Map(), faulty, signal };
}

/** The metrics of a run. */
export function runMetrics(target: EvaluationPlan, { metrics, seed }: EvaluationConfiguration): RunMetric[] {
  return metrics.map(({ name, parameters, label }) => {
    const read = readMetricChoice({ name, parameters, label });
    // Checked when the run was asked for.
    if (!('choice' in read)) throw new TypeError(read.mistakes.join(' '));
    const asked = modelsOf(read.choice);
    const judge = asked.includes('judge') ? target.judge : null;
    const embedding = asked.includes('embedding') ? target.judgeEmbedding : null;
    return { ...read.choice, hash: hashOf({ name, parameters, judge, embedding, seed }) };
  });
}

/** What the outputs of a variant depend on, besides the case and the repetition. */
export function variantHash(type: string, variant: PlannedVariant, seed: number): string {
  const { name: _name, ...rest } = variant;
  return hashOf({ type, ...rest, seed });
}

/** SHA-256, in hex, of a value as canonical JSON. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
