import { z } from 'zod';

import type { ChatModel } from './chat-model.ts';
import type { EmbeddingModel } from './embedding-model.ts';
import { createExtractiveChatModel } from './extractive/extractive-chat-model.ts';
import { createLocalEmbeddingModel } from './local/local-embedding-model.ts';
import { createOpenAiChatModel } from './openai/openai-chat-model.ts';
import { createOpenAiClient, openAiEndpoint } from './openai/openai-client.ts';
import { createOpenAiEmbeddingModel } from './openai/openai-embedding-model.ts';
import { ProviderError } from './provider-error.ts';

/** A model as its row says it, with the key unsealed. */
export interface ModelSettings {
  /** `openai` (any server that speaks its protocol), `local` or `extractive`. */
  readonly provider: string;
  readonly modelId: string;
  /** The base address of the API; null is the provider's own. */
  readonly endpoint: string | null;
  readonly apiKey: string | null;
  /** What the model can do and bear; keys that no adapter knows are ignored. */
  readonly capabilities: Readonly<Record<string, unknown>>;
}

/** What adapters need from the process. */
export interface ProvidersOptions {
  /** The folder of the local embedding model's model.onnx. */
  readonly modelDirectory: string;
  /** How many texts the local embedding model computes at once; one if not given. */
  readonly embeddingThreads?: number;
  /** Milliseconds without a byte, before the first and between two, after which a provider's request is cut, unless the
   * model's capabilities say otherwise; 60 seconds unless given. */
  readonly firstByteTimeoutMs?: number;
  readonly stallTimeoutMs?: number;
}

/** Resolves models to adapters; the local model is loaded once for all who ask. */
export interface Providers {
  /** Throws ProviderError `invalid_request` when the settings name no chat model. */
  chatModel(settings: ModelSettings): ChatModel;
  /** Throws ProviderError `invalid_request` when the settings name no embedding model. */
  embeddingModel(settings: ModelSettings): EmbeddingModel;
  close(): Promise<void>;
}

const chatCapabilities = z.object({
  contextWindow: z.int().positive().default(128_000),
  supportsTools: z.boolean().default(true),
  maxTokensField: z.enum(['max_tokens', 'max_completion_tokens']).optional(),
});

const silences = z.object({
  firstByteTimeoutMs: z.int().positive().optional(),
  stallTimeoutMs: z.int().positive().optional(),
});

const embeddingCapabilities = z.object({
  dimensions: z.int().positive(),
  maxTokens: z.int().positive().default(8_191),
  maxBatch: z.int().positive().max(2_048).default(128),
  normalized: z.boolean().optional(),
});

// Chat models that are kept, with their clients, for the next call: those that were used last.
const mostKept = 100;

/** Makes the registry of providers of one process. */
export function createProviders({
  modelDirectory,
  embeddingThreads = 1,
  stallTimeoutMs = 60_000,
  firstByteTimeoutMs = stallTimeoutMs,
}: ProvidersOptions): Providers {
  const local = createLocalEmbeddingModel({ modelDirectory, threads: embeddingThreads });
  const connect = (settings: ModelSettings) => {
    const own = read(silences, settings);
    return createOpenAiClient({
      endpoint: settings.endpoint,
      apiKey: settings.apiKey,
      firstByteTimeoutMs: own.firstByteTimeoutMs ?? firstByteTimeoutMs,
      stallTimeoutMs: own.stallTimeoutMs ?? stallTimeoutMs,
    });
  };
  const made = new Map<string, ChatModel>();

  function makeChatModel(settings: ModelSettings): ChatModel {
    if (settings.provider === 'extractive') return createExtractiveChatModel();
    if (settings.provider !== 'openai') throw unknownProvider(settings, 'chat', ['openai', 'extractive']);
    const { contextWindow, supportsTools, maxTokensField } = read(chatCapabilities, settings);
    return createOpenAiChatModel({
      client: connect(settings),
      modelId: settings.modelId,
      contextWindow,
      supportsTools,
      maxTokensField: maxTokensField ?? (isOpenAiItself(settings) ? 'max_completion_tokens' : 'max_tokens'),
    });
  }
  return {
    chatModel(settings) {
      const { provider, modelId, endpoint, apiKey, capabilities } = settings;
      const name = JSON.stringify([provider, modelId, endpoint, apiKey, capabilities]);
      const model = made.get(name) ?? makeChatModel(settings);
      made.delete(name);
      made.set(name, model);
      if (made.size > mostKept) made.delete(made.keys().next().value!);
      return model;
    },
    embeddingModel(settings) {
      if (settings.provider === 'local' && settings.modelId === local.id) return local;
      if (settings.provider !== 'openai') throw unknownProvider(settings, 'embedding', ['openai', `local/${local.id}`]);
      const { dimensions, maxTokens, maxBatch, normalized } = read(embeddingCapabilities, settings);
      return createOpenAiEmbeddingModel({
        client: connect(settings),
        modelId: settings.modelId,
        dimensions,
        maxTokens,
        maxBatch,
        normalized: normalized ?? isOpenAiItself(settings),
        sendDimensions: settings.modelId.startsWith('text-embedding-3'),
      });
    },
    close: () => local.close(),
  };
}

function isOpenAiItself({ endpoint }: ModelSettings): boolean {
  return endpoint === null || endpoint.startsWith(openAiEndpoint);
}

function read<Schema extends z.ZodType>(schema: Schema, settings: ModelSettings): z.output<Schema> {
  const parsed = schema.safeParse(settings.capabilities);
  if (parsed.success) return parsed.data;
  const mistakes = z.prettifyError(parsed.error).replaceAll('\n', ' ');
  throw refusal(`The capabilities of model ${settings.provider}/${settings.modelId} are not usable: ${mistakes}`);
}

function unknownProvider(settings: ModelSettings, kind: string, known: readonly string[]): ProviderError {
  const named = `${settings.provider}/${settings.modelId}`;
  return refusal(`There is no ${kind} model ${named}: its provider must be one of ${known.join(', ')}.`);
}

function refusal(message: string): ProviderError {
  return new ProviderError('invalid_request', message, { retryable: false });
}
