import { wrapProviders, type ModelSource } from '../wrap-providers.ts';
import { traceChatModel, traceEmbeddingModel } from './trace-models.ts';
import type { ModelTelemetry } from './trace-models.ts';

/** The same registry, all of whose models are traced and counted. One model stays one object. */
export function traceProviders<Settings>(
  source: ModelSource<Settings>,
  telemetry: ModelTelemetry,
): ModelSource<Settings> {
  return wrapProviders(source, {
    chat: (model) => traceChatModel(model, telemetry),
    embedding: (model) => traceEmbeddingModel(model, telemetry),
  });
}
