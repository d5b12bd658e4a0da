import type { ModelRow } from '../search/search-setup-repository.ts';

/** A row of `models` as the provider registry wants it; `apiKey` is still sealed. */
export type StoredModel = {
  provider: string;
  modelId: string;
  endpoint: string | null;
  apiKey: string | null;
  capabilities: Record<string, unknown>;
};

/** What a row of `models` says about calling it. */
export type CallableModel = Omit<ModelRow, 'id' | 'name' | 'kind' | 'pricing'>;

/** The row of a model as the provider registry wants it: what it embeds in is one of its capabilities. */
export function storedModel(row: CallableModel): StoredModel {
  const { provider, model_id: modelId, endpoint, api_key: apiKey, capabilities, dimensions } = row;
  const known = { ...capabilities, ...(dimensions !== null && { dimensions }) };
  return { provider, modelId, endpoint, apiKey, capabilities: known };
}
