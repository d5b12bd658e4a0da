import { ApiClient } from '../../cli/api-client.ts';
import { parseEvents } from '../../cli/event-stream.ts';

/** Milliseconds from the request to the first text, and to the end. */
export type Timing = { firstTokenMs: number; totalMs: number };

/** Asks as an application does: POST the message, then follow the turn's events. */
export class TurnClient {
  readonly #api: ApiClient;

  constructor(url: string, key: string) {
    this.#api = new ApiClient(url, key);
  }

  /** Makes a model row, an agent without tools, and returns the agent's id. */
  async createAgent(
    name: string,
    model: string,
    endpoint: string,
    capabilities: Record<string, unknown> = {},
  ): Promise<string> {
    const row = await this.#post<{ id: string }>('/models', {
      name,
      kind: 'chat',
      provider: 'openai',
      model_id: model,
      endpoint,
      capabilities,
    });
    return (await this.#post<{ id: string }>('/agents', { name, model: row.id })).id;
  }

  async createConversation(agent: string): Promise<string> {
    return (await this.#post<{ id: string }>('/conversations', { agent })).id;
  }

  async ask(conversation: string): Promise<Timing> {
    const began = performance.now();
    let firstTokenMs: number | null = null;
    for await (const event of this.#events(conversation)) {
      if (event === 'text_delta') firstTokenMs ??= performance.now() - began;
      if (event === 'done' && firstTokenMs !== null) return { firstTokenMs, totalMs: performance.now() - began };
      if (event === 'error' || event === 'cancelled') throw new Error(`A turn ended with ${event}.`);
    }
    throw new Error('The stream of a turn ended too early.');
  }

  /** Asks, calls `kill` at the first text, and returns the seconds from then to the first text of the next attempt. */
  async askThrough(conversation: string, kill: () => void): Promise<number> {
    let killed: number | null = null;
    let resumed: number | null = null;
    let isAfterReset = false;
    for await (const event of this.#events(conversation)) {
      if (event === 'reset') isAfterReset = true;
      if (event === 'text_delta' && killed === null) {
        killed = performance.now();
        kill();
      } else if (event === 'text_delta' && isAfterReset) resumed ??= performance.now();
      if (event === 'done') break;
    }
    if (killed === null || resumed === null) throw new Error('The turn was over before its worker was killed.');
    return (resumed - killed) / 1000;
  }

  async *#events(conversation: string): AsyncGenerator<string, void, undefined> {
    const { turn } = await this.#post<{ turn: { id: string } }>(`/conversations/${conversation}/messages`, {
      content: 'What lasts?',
    });
    const body = await this.#api.openStream(`/turns/${turn.id}/events`, null, AbortSignal.timeout(60_000));
    if (body === null) throw new Error(`The turn ${turn.id} was over before its events were read.`);
    for await (const { event } of parseEvents(body)) yield event;
  }

  #post<T>(path: string, body: unknown): Promise<T> {
    return this.#api.request<T>(path, { method: 'POST', body });
  }
}
