import { judgeMetric } from '../../domain/metrics/judge-metric.ts';
import type { MetricInput, MetricReply, MetricRequest, Score } from '../../domain/metrics/metric.ts';
import { estimateTokens } from '../../domain/prompting/estimate-tokens.ts';
import { storableText, storableValue } from '../../domain/turns/storable-text.ts';
import { storedModel } from '../../entities/agents/stored-model.ts';
import { unknownUsage } from '../../entities/conversations/turn-usage-repository.ts';
import { completeChat } from '../../providers/chat/complete-chat.ts';
import { checkPattern, checkValue } from '../../providers/tools/arguments/check-value.ts';
import { CallFault, faultOf } from './call-fault.ts';
import { metricCallId } from './evaluation-call-id.ts';
import type { ItemWork } from './item-work.ts';
import { hashOf, type RunMetric } from './open-run.ts';

/** What is kept of an item's metrics from attempts before this one. */
export type KeptScoring = {
  /** Labels that have a result. */
  done: ReadonlySet<string>;
  /** Answers of calls, by label and position; one of another request is not used. */
  answers: ReadonlyMap<string, { requestHash: string; answer: unknown }>;
};

/** The key of a kept answer. */
export function answerKey(metric: string, position: number): string {
  return `${position}/${metric}`;
}

/**
 * Judges an item by the metrics that have no result yet; the results go with the next write. Each answer of a judge is
 * kept when it arrives and never asked for again. `isOver` decides about a fault: whether its metric is given up, which
 * leaves it unscored. @throws CallFault for one that is to be tried again.
 */
export async function scoreItem(
  work: ItemWork,
  input: MetricInput,
  kept: KeptScoring,
  isOver: (fault: CallFault) => Promise<boolean>,
): Promise<void> {
  for (const metric of work.run.metrics) {
    if (kept.done.has(metric.label)) continue;
    const judging = judgeMetric(metric, input);
    let next = judging.next();
    let position = 0;
    for (; !next.done; position += 1) {
      work.run.signal.throwIfAborted();
      next = judging.next(await reply(work, metric, position, next.value, kept, isOver));
    }
    const score = next.value;
    work.results.push({
      metric: metric.label,
      metricHash: metric.hash,
      state: score.state,
      score: score.state === 'scored' ? score.score : null,
      reason: score.reason === undefined ? null : storableText(score.reason),
      details: detailsOf(score, position),
    });
  }
}

/** What is kept with a result: its details, or from which of its calls on the answers could not be used. */
function detailsOf(score: Score, calls: number): Record<string, unknown> | null {
  if (score.state === 'scored') return score.details === undefined ? null : storableValue(score.details);
  if (score.state === 'not_applicable' || score.unusable === undefined) return null;
  return { unusable_from: calls - score.unusable };
}

async function reply(
  work: ItemWork,
  metric: RunMetric,
  position: number,
  request: MetricRequest,
  kept: KeptScoring,
  isOver: (fault: CallFault) => Promise<boolean>,
): Promise<MetricReply> {
  if (request.kind === 'pattern') return { state: 'checked', mistakes: checkPattern(request) };
  if (request.kind === 'schema') return { state: 'checked', mistakes: checkValue(request.schema, request.value) };
  const requestHash = hashOf(request);
  const known = kept.answers.get(answerKey(metric.label, position));
  if (known?.requestHash === requestHash) return known.answer as MetricReply;
  const begin = {
    callId: metricCallId(work.run.key.evaluationId, work.item.ordinal, {
      metric: metric.label,
      position,
      attempt: work.item.attempt,
    }),
    metric: metric.label,
    position,
    // What a judge has said may be in it.
    request: storableValue(request),
    requestHash,
  };
  try {
    if (request.kind === 'model') return await askJudge(work, begin, request);
    if (request.kind === 'embedding') return await embed(work, begin, request);
    return await askEndpoint(work, begin, request);
  } catch (error) {
    if (!(error instanceof CallFault) || !(await isOver(error))) throw error;
    const { code, detail } = error;
    if (work.open !== null) {
      work.open = null;
      const { callId } = begin;
      void work
        .write({ settle: { callId, usage: unknownUsage }, answer: { callId, error: { code, detail } } })
        .catch(noop);
    }
    return { state: 'failed', reason: `${code}: ${detail}` };
  }
}

// Whoever waits for the item's last write learns of it: changes are committed in their order.
function noop(): void {}

type Begun = { callId: string; metric: string; position: number; request: unknown; requestHash: string };

async function askJudge(
  work: ItemWork,
  begin: Begun,
  request: Extract<MetricRequest, { kind: 'model' }>,
): Promise<MetricReply> {
  const { plan, signal } = work.run;
  const model = work.model(plan.target.judge, 'judge');
  const { callId } = begin;
  await work.write({ state: 'scoring', begin, start: { callId, modelId: model.id, pricing: model.pricing } });
  work.open = { callId, ofMetric: true };
  const { messages, maxTokens, temperature } = request;
  const tokens = messages.reduce((sum, message) => sum + estimateTokens(message.content), 0);
  const { value, usage } = await work.call(model, tokens, {
    call: () => completeChat(work.chatModel(model), { messages, maxTokens, temperature, callId }, signal),
    tokensOf: (given) => given.usage.totalTokens,
  });
  work.open = null;
  const answer = { state: 'answered' as const, text: storableText(value) };
  void work.write({ settle: { callId, usage }, answer: { callId, answer } }).catch(noop);
  return answer;
}

async function embed(
  work: ItemWork,
  begin: Begun,
  { texts }: Extract<MetricRequest, { kind: 'embedding' }>,
): Promise<MetricReply> {
  const { deps, plan, signal } = work.run;
  const model = work.model(plan.target.judgeEmbedding, 'embedding model of the judge');
  const { callId } = begin;
  await work.write({ state: 'scoring', begin, start: { callId, modelId: model.id, pricing: model.pricing } });
  work.open = { callId, ofMetric: true };
  const embedder = deps.embeddingModel(storedModel(model));
  const tokens = texts.reduce((sum, text) => sum + estimateTokens(text), 0);
  const { vectors, usage } = await work.call(model, tokens, {
    call: () => embedder.embed(texts, { signal, callId }),
    tokensOf: (given) => given.usage.promptTokens,
  });
  work.open = null;
  const answer = { state: 'embedded' as const, vectors: vectors.map((vector) => Array.from(vector)) };
  const { promptTokens } = usage;
  const paid = { promptTokens, completionTokens: null, totalTokens: promptTokens };
  void work.write({ settle: { callId, usage: paid }, answer: { callId, answer } }).catch(noop);
  return answer;
}

async function askEndpoint(
  work: ItemWork,
  begin: Begun,
  { url, body }: Extract<MetricRequest, { kind: 'endpoint' }>,
): Promise<MetricReply> {
  const { deps, signal } = work.run;
  const { callId } = begin;
  await work.write({ state: 'scoring', begin });
  work.open = { callId, ofMetric: true };
  await work.waitForRate();
  const line = `metric ${new URL(url).origin}`;
  try {
    const response = await deps.fetch({
      url,
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': callId },
      body: Buffer.from(JSON.stringify(body)),
      signal,
      maxBytes: 1_000_000,
    });
    if (response.status !== 200)
      throw new CallFault(line, {
        code: 'fetch_refused',
        detail: `The endpoint of the metric answered ${response.status}.`,
        retryable: response.status === 429 || response.status >= 500,
      });
    await work.noteAnswer(line);
    work.open = null;
    const answer = { state: 'answered' as const, text: storableText(response.bytes.toString('utf8')) };
    void work.write({ answer: { callId, answer } }).catch(noop);
    return answer;
  } catch (error) {
    signal.throwIfAborted();
    throw faultOf(line, error);
  }
}
