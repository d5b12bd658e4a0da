import { describe, expect, test } from '@jest/globals';

import type { ChatEvent, ChatModel, ChatRequest } from '../../providers/chat-model.ts';

/** An adapter under test; without HTTP, `requests` counts nothing and says null. */
export interface ChatModelSubject {
  /** A model that answers `conformanceRequest` with several deltas. */
  model(): ChatModel;
  /** HTTP requests made so far by all models of the subject. */
  requests(): number | null;
  /** Resolves when the provider has seen the client leave the last request; at once without HTTP. */
  untilAborted(): Promise<void>;
}

/** A request that every adapter can answer, with a passage both in the messages and beside them. */
export const conformanceRequest: ChatRequest = {
  messages: [
    { role: 'system', content: 'Answer from the passages.\n\n[1] Kites\nA kite flies because the wind lifts it.' },
    { role: 'user', content: 'Why does a kite fly?' },
  ],
  passages: [{ n: 1, title: 'Kites', text: 'A kite flies because the wind lifts it.' }],
};

const tools = [{ name: 'search', description: 'Searches the documents.', parameters: { type: 'object' } }];

/** Declares what every chat adapter promises by the port. */
export function describeChatModel(name: string, subject: ChatModelSubject): void {
  describe(`${name} as a chat model`, () => {
    test('says who it is and what it bears', () => {
      const model = subject.model();
      expect(model.provider).toMatch(/^[a-z_.]+$/);
      expect(model.id).not.toBe('');
      expect(model.contextWindow).toBeGreaterThan(0);
    });

    test('streams deltas that are not empty, then one usage, then one finish', async () => {
      const events = await collect(subject.model().stream(conformanceRequest));
      const kinds = events.map(({ type }) => type);
      expect(kinds.filter((kind) => kind === 'text').length).toBeGreaterThan(1);
      expect(kinds.slice(-2)).toEqual(['usage', 'finish']);
      expect(kinds.filter((kind) => kind === 'usage' || kind === 'finish')).toHaveLength(2);
      for (const event of events) if (event.type === 'text') expect(event.text).not.toBe('');
      expect(textOf(events)).toContain('A kite flies because the wind lifts it');
      expect(events.at(-1)).toMatchObject({ type: 'finish', reason: 'stop' });
    });

    test('reports usage as whole numbers or as unknown', async () => {
      const usage = (await collect(subject.model().stream(conformanceRequest))).find(({ type }) => type === 'usage');
      for (const field of ['promptTokens', 'completionTokens', 'totalTokens'] as const) {
        const count = (usage as Record<string, unknown> | undefined)?.[field];
        expect(count === null || (Number.isInteger(count) && Number(count) >= 0)).toBe(true);
      }
    });

    test('makes one request per call, and none before it is read', async () => {
      const model = subject.model();
      const before = subject.requests();
      const stream = model.stream(conformanceRequest);
      expect(subject.requests()).toBe(before);
      await collect(stream);
      await collect(model.stream(conformanceRequest));
      if (before !== null) expect(subject.requests()).toBe(before + 2);
    });

    test('throws the reason itself when the signal was aborted before, and asks nobody', async () => {
      const before = subject.requests();
      const reason = new Error('changed my mind');
      const stream = subject.model().stream(conformanceRequest, { signal: AbortSignal.abort(reason) });
      await expect(collect(stream)).rejects.toBe(reason);
      expect(subject.requests()).toBe(before);
    });

    test('throws the reason itself when the signal aborts between two deltas, and leaves the provider', async () => {
      const controller = new AbortController();
      const reason = new Error('changed my mind');
      const seen: ChatEvent[] = [];
      const read = async (): Promise<void> => {
        for await (const event of subject.model().stream(conformanceRequest, { signal: controller.signal })) {
          seen.push(event);
          controller.abort(reason);
        }
      };
      await expect(read()).rejects.toBe(reason);
      expect(seen).toHaveLength(1);
      await subject.untilAborted();
    });

    test('leaves the provider when its reader leaves the loop', async () => {
      for await (const event of subject.model().stream(conformanceRequest)) {
        expect(event.type).toBe('text');
        break;
      }
      await subject.untilAborted();
    });

    test('stops at maxTokens and says so', async () => {
      const events = await collect(subject.model().stream({ ...conformanceRequest, maxTokens: 3 }));
      expect(events.filter(({ type }) => type === 'text').length).toBeLessThanOrEqual(3);
      expect(events.at(-1)).toMatchObject({ type: 'finish', reason: 'length' });
    });

    test('takes tools, or refuses them in clear words', async () => {
      const model = subject.model();
      const asked = collect(model.stream({ ...conformanceRequest, tools }));
      if (model.supportsTools) expect((await asked).at(-1)).toMatchObject({ type: 'finish' });
      else await expect(asked).rejects.toMatchObject({ code: 'invalid_request', retryable: false });
    });
  });
}

/** Reads a stream to its end. */
export async function collect(stream: AsyncIterable<ChatEvent>): Promise<ChatEvent[]> {
  const events: ChatEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

/** The text of all deltas. */
export function textOf(events: readonly ChatEvent[]): string {
  return events.map((event) => (event.type === 'text' ? event.text : '')).join('');
}
