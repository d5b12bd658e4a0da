import type { ChatModel } from '../../providers/chat-model.ts';
import type { EmbeddingModel } from '../../providers/embedding-model.ts';
import { traceChatModel, traceEmbeddingModel } from './trace-models.ts';
import type { ModelTelemetry } from './trace-models.ts';

/** What is observed of the registry of models; the rest passes through. */
interface ModelSource<Settings> {
  chatModel(settings: Settings): ChatModel;
  embeddingModel(settings: Settings): EmbeddingModel;
  close(): Promise<void>;
}

/** The same registry, all of whose models are traced and counted. One model stays one object. */
export function traceProviders<Settings>(
  source: ModelSource<Settings>,
  telemetry: ModelTelemetry,
): ModelSource<Settings> {
  const chats = new WeakMap<ChatModel, ChatModel>();
  const embeddings = new WeakMap<EmbeddingModel, EmbeddingModel>();
  return {
    chatModel: (settings) => once(chats, source.chatModel(settings), (model) => traceChatModel(model, telemetry)),
    embeddingModel: (settings) =>
      once(embeddings, source.embeddingModel(settings), (model) => traceEmbeddingModel(model, telemetry)),
    close: () => source.close(),
  };
}

function once<Model extends object>(made: WeakMap<Model, Model>, model: Model, wrap: (model: Model) => Model): Model {
  const known = made.get(model);
  if (known) return known;
  const wrapped = wrap(model);
  made.set(model, wrapped);
  return wrapped;
}
