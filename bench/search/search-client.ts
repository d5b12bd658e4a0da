import { Agent, request } from 'node:http';

/** A passage as far as the bench looks at it. */
export interface Found {
  document_id: string;
  chunk_index: number;
}

/** What came back, as far as the bench looks at it. */
export interface Answer {
  hits: Found[];
  plan: { vector: { plan: 'index' | 'exact' } | null } | null;
}

/** Asks `POST /search` over one kept connection. */
export class SearchClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #port: number;
  readonly #key: string;

  constructor(port: number, key: string) {
    this.#port = port;
    this.#key = key;
  }

  async search(body: Record<string, unknown>): Promise<Answer> {
    const text = JSON.stringify({ top_k: 10, ...body });
    const answer = await new Promise<string>((resolve, reject) => {
      const call = request(
        {
          agent: this.#agent,
          port: this.#port,
          host: '127.0.0.1',
          method: 'POST',
          path: '/search',
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(text),
            authorization: `Bearer ${this.#key}`,
          },
        },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.once('error', reject);
          response.once('end', () => {
            const whole = Buffer.concat(parts).toString('utf8');
            if (response.statusCode === 200) resolve(whole);
            else reject(new Error(`POST /search answered ${response.statusCode}: ${whole}`));
          });
        },
      );
      call.once('error', reject);
      call.end(text);
    });
    return JSON.parse(answer) as Answer;
  }
}
