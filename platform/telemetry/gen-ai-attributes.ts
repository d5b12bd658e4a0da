/** Attribute names of OpenTelemetry's semantic conventions for generative AI; `gen_ai.system` is the deprecated one. */
export const genAi = {
  operationName: 'gen_ai.operation.name',
  providerName: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  requestTemperature: 'gen_ai.request.temperature',
  requestMaxTokens: 'gen_ai.request.max_tokens',
  responseModel: 'gen_ai.response.model',
  responseId: 'gen_ai.response.id',
  responseFinishReasons: 'gen_ai.response.finish_reasons',
  usageInputTokens: 'gen_ai.usage.input_tokens',
  usageOutputTokens: 'gen_ai.usage.output_tokens',
  embeddingsDimensionCount: 'gen_ai.embeddings.dimension.count',
  inputMessages: 'gen_ai.input.messages',
  outputMessages: 'gen_ai.output.messages',
} as const;

/** Attribute names of our own, where no convention has one. */
export const perdure = {
  callId: 'perdure.call.id',
  batchSize: 'perdure.batch.size',
  firstTextSeconds: 'perdure.first_text.seconds',
  activityAttempt: 'perdure.activity.attempt',
  requestId: 'perdure.request.id',
} as const;

/** Attribute of every failed span: the code of the error, in place of its message. */
export const errorType = 'error.type';
