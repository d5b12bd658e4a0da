import { afterAll, describe, expect, test } from '@jest/globals';

import { createProviders } from '../../providers/registry.ts';

const settings = { provider: 'openai', modelId: 'some-model', endpoint: null, apiKey: 'sk-test', capabilities: {} };

describe('the registry of providers', () => {
  const providers = createProviders({ modelDirectory: 'unused' });
  afterAll(() => providers.close());

  test('names the providers it knows when asked for another', () => {
    expect(() => providers.chatModel({ ...settings, provider: 'nobody' })).toThrow(
      /no chat model nobody\/some-model: .*openai, extractive/,
    );
    expect(() => providers.embeddingModel({ ...settings, provider: 'nobody' })).toThrow(/openai, local/);
    expect(() => providers.embeddingModel({ ...settings, provider: 'extractive' })).toThrow(/no embedding model/);
    expect(() => providers.chatModel({ ...settings, provider: 'local' })).toThrow(/no chat model/);
  });

  test('says which capability is missing or wrong', () => {
    expect(() => providers.embeddingModel(settings)).toThrow(/openai\/some-model.*dimensions/);
    expect(() => providers.chatModel({ ...settings, capabilities: { contextWindow: 'large' } })).toThrow(
      /contextWindow/,
    );
  });

  test('reads capabilities and ignores those of others', () => {
    const chat = providers.chatModel({ ...settings, capabilities: { contextWindow: 4_096, colour: 'blue' } });
    expect(chat).toMatchObject({ provider: 'openai', id: 'some-model', contextWindow: 4_096, supportsTools: true });
    const embedding = providers.embeddingModel({ ...settings, capabilities: { dimensions: 1_536, maxBatch: 10 } });
    expect(embedding).toMatchObject({ id: 'some-model', dimensions: 1_536, maxBatch: 10, maxTokens: 8_191 });
  });

  test('loads the local model once for all who ask', () => {
    const local = { ...settings, provider: 'local', modelId: 'all-MiniLM-L6-v2' };
    expect(providers.embeddingModel(local)).toBe(providers.embeddingModel({ ...local }));
  });
});
