import { StringDecoder } from 'node:string_decoder';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { StreamedResponse } from './http-fetch.ts';

/**
 * The server-sent events of an answer, in a list for each piece that came, up to `[DONE]`, behind which nothing is read.
 * Leaving the iteration before closes the connection.
 */
export async function* readEvents(response: Response): AsyncGenerator<EventSourceMessage[], void, undefined> {
  let events: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => events.push(event) });
  const decoder = new StringDecoder('utf8');
  const pieces = response instanceof StreamedResponse ? response.pieces : (response.body ?? []);
  for await (const piece of pieces) {
    parser.feed(decoder.write(piece as Buffer));
    if (events.length === 0) continue;
    const done = events.findIndex(({ data }) => data.startsWith('[DONE]'));
    if (done >= 0 && response instanceof StreamedResponse) response.pieces.release();
    yield done < 0 ? events : events.slice(0, done);
    if (done >= 0) return;
    events = [];
  }
}
