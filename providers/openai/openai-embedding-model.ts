import type OpenAI from 'openai';

import type { EmbeddingModel, EmbeddingResult, EmbedOptions } from '../embedding-model.ts';
import { classifyOpenAiError, unusableResponse } from './classify-openai-error.ts';
import { estimateTokenOffsets } from './estimate-token-offsets.ts';

/** What is known about an embedding model that speaks OpenAI's protocol. */
export interface OpenAiEmbeddingModelOptions {
  readonly client: OpenAI;
  readonly modelId: string;
  readonly dimensions: number;
  readonly maxTokens: number;
  readonly maxBatch: number;
  readonly normalized: boolean;
  /** Whether the model can be asked for shorter vectors than its own (OpenAI's third generation). */
  readonly sendDimensions: boolean;
}

/** An embedding model behind OpenAI's protocol: one HTTP request per `embed`. */
export function createOpenAiEmbeddingModel(options: OpenAiEmbeddingModelOptions): EmbeddingModel {
  const { modelId, dimensions, maxTokens, maxBatch, normalized } = options;
  return {
    provider: 'openai',
    id: modelId,
    dimensions,
    maxTokens,
    maxBatch,
    normalized,
    tokenCounting: 'estimate',
    countTokens: (text) => estimateTokenOffsets(text).starts.length,
    tokenOffsets: estimateTokenOffsets,
    embed: (texts, embedOptions) => embed(options, texts, embedOptions),
    close: async () => {},
  };
}

async function embed(
  options: OpenAiEmbeddingModelOptions,
  texts: readonly string[],
  { signal, callId }: EmbedOptions = {},
): Promise<EmbeddingResult> {
  signal?.throwIfAborted();
  if (texts.length === 0) return { vectors: [], usage: { promptTokens: 0 } };
  const { client, modelId, dimensions, sendDimensions } = options;
  try {
    const response = await client.embeddings.create(
      { model: modelId, input: [...texts], ...(sendDimensions ? { dimensions } : {}) },
      {
        ...(signal === undefined ? {} : { signal }),
        ...(callId === undefined ? {} : { headers: { 'Idempotency-Key': callId } }),
      },
    );
    return {
      vectors: toVectors(options, response.data, texts.length),
      usage: { promptTokens: response.usage?.prompt_tokens ?? null },
    };
  } catch (error) {
    signal?.throwIfAborted();
    throw classifyOpenAiError(error, modelId);
  }
}

function toVectors(
  { modelId, dimensions }: OpenAiEmbeddingModelOptions,
  data: readonly OpenAI.Embedding[] | undefined,
  expected: number,
): Float32Array[] {
  const vectors: (Float32Array | undefined)[] = Array.from({ length: expected });
  for (const { index, embedding } of data ?? []) vectors[index] = Float32Array.from(embedding);
  return vectors.map((vector) => {
    if (vector === undefined || vectors.length !== expected) {
      throw unusableResponse(
        'malformed_response',
        modelId,
        `did not answer ${expected} texts with ${expected} vectors`,
      );
    }
    if (vector.length !== dimensions) {
      const found = `answered with ${vector.length} dimensions where ${dimensions} are registered`;
      throw unusableResponse('malformed_response', modelId, found, { retryable: false });
    }
    if (!vector.every(Number.isFinite)) {
      throw unusableResponse('malformed_response', modelId, 'answered with a vector that is not of finite numbers');
    }
    return vector;
  });
}
