import type { ChatModel } from '../providers/chat-model.ts';
import type { EmbeddingModel } from '../providers/embedding-model.ts';

/** The part of the registry of models that gives them out. */
export interface ModelSource<Settings> {
  chatModel(settings: Settings): ChatModel;
  embeddingModel(settings: Settings): EmbeddingModel;
  close(): Promise<void>;
}

/** The same registry, each of whose models is wrapped. One model stays one object. */
export function wrapProviders<Settings>(
  source: ModelSource<Settings>,
  wrap: { chat(model: ChatModel): ChatModel; embedding(model: EmbeddingModel): EmbeddingModel },
): ModelSource<Settings> {
  const chats = new WeakMap<ChatModel, ChatModel>();
  const embeddings = new WeakMap<EmbeddingModel, EmbeddingModel>();
  return {
    chatModel: (settings) => once(chats, source.chatModel(settings), wrap.chat),
    embeddingModel: (settings) => once(embeddings, source.embeddingModel(settings), wrap.embedding),
    close: () => source.close(),
  };
}

/** The same chat model, but for how it streams. */
export function withStream(model: ChatModel, stream: ChatModel['stream']): ChatModel {
  const { provider, id, contextWindow, supportsTools } = model;
  return { provider, id, contextWindow, supportsTools, stream };
}

/** The same embedding model, but for how it embeds. */
export function withEmbed(model: EmbeddingModel, embed: EmbeddingModel['embed']): EmbeddingModel {
  const { provider, id, dimensions, maxTokens, maxBatch, normalized, tokenCounting } = model;
  return {
    ...{ provider, id, dimensions, maxTokens, maxBatch, normalized, tokenCounting },
    countTokens: (text) => model.countTokens(text),
    tokenOffsets: (text) => model.tokenOffsets(text),
    close: () => model.close(),
    embed,
  };
}

function once<Model extends object>(made: WeakMap<Model, Model>, model: Model, wrap: (model: Model) => Model): Model {
  const known = made.get(model);
  if (known) return known;
  const wrapped = wrap(model);
  made.set(model, wrapped);
  return wrapped;
}
