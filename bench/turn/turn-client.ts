import { ApiClient } from '../../cli/api-client.ts';
import { parseEvents, type StreamEvent } from '../../cli/event-stream.ts';

/** Milliseconds from the request to the first text, and to the end. */
export type Timing = { firstTokenMs: number; totalMs: number };

/** A turn as its client saw it; `askedAt` is in milliseconds since the epoch, with fractions. */
export type TurnTiming = Timing & { turnId: string; askedAt: number; repliedMs: number };

/** Asks as an application does: POSTs the message, and reads the events of its turn. */
export class TurnClient {
  readonly #api: ApiClient;

  constructor(url: string, key: string) {
    this.#api = new ApiClient(url, key);
  }

  /** Makes a model row and an agent, with the tool that tells the time where `usesTool`; returns the agent's id. */
  async createAgent(
    name: string,
    model: string,
    endpoint: string,
    capabilities: Record<string, unknown> = {},
    usesTool = false,
  ): Promise<string> {
    const row = await this.#post<{ id: string }>('/models', {
      name,
      kind: 'chat',
      provider: 'openai',
      model_id: model,
      endpoint,
      capabilities,
    });
    const configuration = { builtin: 'current_time' };
    const tools = usesTool
      ? [
          {
            type: 'tool',
            id: (await this.#post<{ id: string }>('/tools', { type: 'builtin', name: 'current_time', configuration }))
              .id,
          },
        ]
      : [];
    return (await this.#post<{ id: string }>('/agents', { name, model: row.id, tools })).id;
  }

  async createConversation(agent: string): Promise<string> {
    return (await this.#post<{ id: string }>('/conversations', { agent })).id;
  }

  async ask(conversation: string): Promise<TurnTiming> {
    const began = performance.now();
    let firstTokenMs: number | null = null;
    const { turnId, events } = await this.#send(conversation);
    const repliedMs = performance.now() - began;
    for await (const event of events) {
      if (event === 'text_delta') firstTokenMs ??= performance.now() - began;
      if (event === 'done' && firstTokenMs !== null)
        return {
          ...{ turnId, askedAt: performance.timeOrigin + began },
          ...{ repliedMs, firstTokenMs, totalMs: performance.now() - began },
        };
      if (event === 'error' || event === 'cancelled') throw new Error(`A turn ended with ${event}.`);
    }
    throw new Error('The stream of a turn ended too early.');
  }

  /**
   * Asks, calls `kill` at the first text, and returns the seconds from then to the first text of the next attempt; null
   * where the turn went on without one.
   */
  async askThrough(conversation: string, kill: () => void): Promise<number | null> {
    let killed: number | null = null;
    let resumed: number | null = null;
    let isAfterReset = false;
    const { events } = await this.#send(conversation);
    for await (const event of events) {
      if (event === 'reset') isAfterReset = true;
      if (event === 'text_delta' && killed === null) {
        killed = performance.now();
        kill();
      } else if (event === 'text_delta' && isAfterReset) resumed ??= performance.now();
      if (event === 'done') break;
    }
    if (killed === null) throw new Error('The turn said nothing.');
    return resumed === null ? null : (resumed - killed) / 1000;
  }

  /** Sends a message; the answer is the stream of its turn. */
  async #send(conversation: string): Promise<{ turnId: string; events: AsyncGenerator<string, void, undefined> }> {
    const body = await this.#api.openStream(
      `/conversations/${conversation}/messages`,
      null,
      AbortSignal.timeout(60_000),
      {
        content: 'What lasts?',
      },
    );
    if (body === null) throw new Error(`A message to ${conversation} was answered without events.`);
    const events = parseEvents(body);
    const { value: first } = await events.next();
    if (first?.event !== 'accepted') throw new Error(`A message to ${conversation} was not accepted first.`);
    return { turnId: (first.data as { turn: { id: string } }).turn.id, events: namesOf(events) };
  }

  #post<T>(path: string, body: unknown): Promise<T> {
    return this.#api.request<T>(path, { method: 'POST', body });
  }
}

async function* namesOf(events: AsyncGenerator<StreamEvent, void, undefined>): AsyncGenerator<string, void, undefined> {
  for await (const { event } of events) yield event;
}
