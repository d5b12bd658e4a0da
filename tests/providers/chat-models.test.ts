import { afterAll, beforeAll } from '@jest/globals';

import { createExtractiveChatModel } from '../../providers/extractive/extractive-chat-model.ts';
import { createProviders } from '../../providers/registry.ts';
import { startFakeProvider } from '../support/fake-provider/start-fake-provider.ts';
import type { FakeProvider } from '../support/fake-provider/start-fake-provider.ts';
import { describeChatModel } from './chat-model-conformance.ts';
import { waitFor } from './wait-for.ts';

let fake: FakeProvider;
const providers = createProviders({ modelDirectory: 'unused' });

beforeAll(async () => {
  fake = await startFakeProvider();
});

afterAll(async () => {
  await providers.close();
  await fake.stop();
});

describeChatModel('the OpenAI adapter', {
  model: () =>
    providers.chatModel({
      provider: 'openai',
      // Slow enough that the provider is still writing when the client leaves.
      modelId: 'fake?tokenMs=20',
      endpoint: fake.url,
      apiKey: 'sk-test',
      capabilities: {},
    }),
  requests: () => fake.log().length,
  untilAborted: () => waitFor('the call is aborted', () => fake.log().at(-1)?.outcome === 'aborted'),
});

describeChatModel('the extractive answerer', {
  model: createExtractiveChatModel,
  requests: () => null,
  untilAborted: async () => {},
});
