import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Attributes, Span } from '@opentelemetry/api';
import type { CallOptions, ChatEvent, ChatModel, ChatRequest } from '../../providers/chat-model.ts';
import type { EmbeddingModel } from '../../providers/embedding-model.ts';
import { withEmbed, withStream } from '../wrap-providers.ts';
import { errorCode } from './error-code.ts';
import { errorType, genAi, perdure } from './gen-ai-attributes.ts';
import type { Metrics, ProviderCall } from './metrics.ts';

/** Where the figures go, and whether prompts, answers and texts may stand on spans (off unless somebody opted in). */
export interface ModelTelemetry {
  readonly metrics: Metrics;
  readonly captureContent: boolean;
}

/** The same model, whose calls are spans and are counted. */
export function traceChatModel(model: ChatModel, telemetry: ModelTelemetry): ChatModel {
  return withStream(model, (request, options) => tracedStream(model, request, options, telemetry));
}

/** The same model, whose calls are spans and are counted. */
export function traceEmbeddingModel(
  model: EmbeddingModel,
  { metrics, captureContent }: ModelTelemetry,
): EmbeddingModel {
  return withEmbed(model, async (texts, options) => {
    const call = startCall(model, 'embeddings', {
      [genAi.embeddingsDimensionCount]: model.dimensions,
      [perdure.batchSize]: texts.length,
      ...(options?.callId ? { [perdure.callId]: options.callId } : {}),
      ...(captureContent ? { [genAi.inputMessages]: JSON.stringify(texts) } : {}),
    });
    try {
      const result = await context.with(call.context, () => model.embed(texts, options));
      const inputTokens = result.usage.promptTokens;
      if (inputTokens !== null) call.span.setAttribute(genAi.usageInputTokens, inputTokens);
      metrics.providerCall(endCall(call, 'ok', { inputTokens }));
      return result;
    } catch (error) {
      metrics.providerCall(failCall(call, error, {}));
      throw error;
    }
  });
}

async function* tracedStream(
  model: ChatModel,
  request: ChatRequest,
  options: CallOptions | undefined,
  { metrics, captureContent }: ModelTelemetry,
): AsyncGenerator<ChatEvent, void, undefined> {
  const call = startCall(model, 'chat', {
    ...(request.temperature === undefined ? {} : { [genAi.requestTemperature]: request.temperature }),
    ...(request.maxTokens === undefined ? {} : { [genAi.requestMaxTokens]: request.maxTokens }),
    ...(request.callId === undefined ? {} : { [perdure.callId]: request.callId }),
    ...(captureContent ? { [genAi.inputMessages]: JSON.stringify(request.messages) } : {}),
  });
  const seen: { firstTextSeconds?: number; inputTokens?: number | null; outputTokens?: number | null } = {};
  let answer = '';
  let ended: ProviderCall | undefined;
  const events = context.with(call.context, () => model.stream(request, options)[Symbol.asyncIterator]());
  try {
    for (;;) {
      // A generator runs in the context of whoever asks it for the next value, not of whoever made it.
      const step = await context.with(call.context, () => events.next());
      if (step.done) break;
      const event = step.value;
      if (event.type === 'text') {
        seen.firstTextSeconds ??= secondsSince(call.started);
        if (captureContent) answer += event.text;
      } else if (event.type === 'usage') {
        seen.inputTokens = event.promptTokens;
        seen.outputTokens = event.completionTokens;
      } else if (event.type === 'finish') {
        call.span.setAttributes(finishAttributes(event));
      }
      yield event;
    }
    ended = endCall(call, 'ok', seen, captureContent ? answer : undefined);
  } catch (error) {
    ended = failCall(call, error, seen);
    throw error;
  } finally {
    if (!ended) await context.with(call.context, () => events.return?.());
    metrics.providerCall(ended ?? endCall(call, 'stopped', seen, captureContent ? answer : undefined));
  }
}

type Operation = ProviderCall['operation'];
type Call = { span: Span; context: ReturnType<typeof context.active>; started: number; labels: Labels };
type Labels = { provider: string; model: string; operation: Operation };
type Figures = Pick<ProviderCall, 'firstTextSeconds' | 'inputTokens' | 'outputTokens'>;

function startCall(model: { provider: string; id: string }, operation: Operation, attributes: Attributes): Call {
  const span = trace.getTracer('perdure/providers').startSpan(`${operation} ${model.id}`, {
    kind: SpanKind.CLIENT,
    attributes: {
      [genAi.operationName]: operation,
      [genAi.providerName]: model.provider,
      [genAi.requestModel]: model.id,
      ...attributes,
    },
  });
  const labels = { provider: model.provider, model: model.id, operation };
  return { span, context: trace.setSpan(context.active(), span), started: performance.now(), labels };
}

function endCall(call: Call, outcome: string, figures: Figures, answer?: string): ProviderCall {
  const { span } = call;
  if (figures.firstTextSeconds !== undefined) span.setAttribute(perdure.firstTextSeconds, figures.firstTextSeconds);
  if (figures.inputTokens != null) span.setAttribute(genAi.usageInputTokens, figures.inputTokens);
  if (figures.outputTokens != null) span.setAttribute(genAi.usageOutputTokens, figures.outputTokens);
  if (answer !== undefined)
    span.setAttribute(genAi.outputMessages, JSON.stringify([{ role: 'assistant', content: answer }]));
  span.end();
  return { ...call.labels, outcome, seconds: secondsSince(call.started), ...figures };
}

function failCall(call: Call, error: unknown, figures: Figures): ProviderCall {
  const code = errorCode(error);
  call.span.setAttribute(errorType, code);
  call.span.setStatus({ code: SpanStatusCode.ERROR, message: code });
  return endCall(call, code, figures);
}

function finishAttributes(event: Extract<ChatEvent, { type: 'finish' }>): Attributes {
  return {
    [genAi.responseFinishReasons]: [event.reason],
    ...(event.responseId === null ? {} : { [genAi.responseId]: event.responseId }),
    ...(event.responseModel === null ? {} : { [genAi.responseModel]: event.responseModel }),
  };
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000;
}
