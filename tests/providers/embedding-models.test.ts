import { afterAll, beforeAll } from '@jest/globals';

import { createProviders } from '../../providers/registry.ts';
import { startFakeProvider } from '../support/fake-provider/start-fake-provider.ts';
import type { FakeProvider } from '../support/fake-provider/start-fake-provider.ts';
import { testServers } from '../support/servers/test-servers.ts';
import { describeEmbeddingModel } from './embedding-model-conformance.ts';

let fake: FakeProvider;
const providers = createProviders({ modelDirectory: testServers().modelDirectory });

beforeAll(async () => {
  fake = await startFakeProvider();
});

afterAll(async () => {
  await providers.close();
  await fake.stop();
});

describeEmbeddingModel('the OpenAI adapter', {
  model: () =>
    providers.embeddingModel({
      provider: 'openai',
      modelId: 'fake-embedding',
      endpoint: fake.url,
      apiKey: 'sk-test',
      capabilities: { dimensions: 384, normalized: true },
    }),
  requests: () => fake.log().length,
});

describeEmbeddingModel('the local model', {
  model: () =>
    providers.embeddingModel({
      provider: 'local',
      modelId: 'all-MiniLM-L6-v2',
      endpoint: null,
      apiKey: null,
      capabilities: {},
    }),
  requests: () => null,
});
