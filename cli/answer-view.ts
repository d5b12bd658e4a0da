import type { Citation } from '../contracts/message.ts';
import { describePlace } from '../contracts/describe-place.ts';
import type { StreamEvent } from './event-stream.ts';
import { safeText } from './safe-text.ts';
import type { Terminal } from './terminal.ts';

const longestQuote = 200;

/**
 * Shows an answer. On a TTY it appears as it comes, and text that a crash discarded is taken off the screen; elsewhere
 * it is written once it is complete, so that discarded text never reaches a file or a pipe.
 */
export class AnswerView {
  readonly #terminal: Terminal;
  #text = '';
  // Characters above an interruption, which cannot be taken off the screen any more.
  #settled = 0;
  #citations: Citation[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Takes in an event of a turn; most are not of its answer, and change nothing. */
  take({ event, data }: StreamEvent): void {
    if (event === 'text_delta') this.#append((data as { text: string }).text);
    else if (event === 'reset') this.#reset();
    else if (event === 'citation') this.#citations.push(data as Citation);
  }

  #append(text: string): void {
    const shown = safeText(text);
    this.#text += shown;
    if (this.#terminal.interactive) this.#terminal.write(shown);
  }

  // Everything so far was discarded: the answer begins anew.
  #reset(): void {
    const shown = this.#text.slice(this.#settled);
    if (this.#terminal.interactive && shown !== '') {
      const rows = rowsOf(shown, this.#terminal.columns);
      this.#terminal.write(`${rows > 1 ? `\u001B[${rows - 1}A` : ''}\r\u001B[J`);
    }
    this.#text = '';
    this.#settled = 0;
    this.#citations = [];
  }

  /** Something else is written in between: what was shown until now stays, also when it is discarded. */
  interrupt(): void {
    if (!this.#terminal.interactive || this.#text.length === this.#settled) return;
    this.#terminal.write('\n');
    this.#settled = this.#text.length;
  }

  /** Ends the answer and lists its citations. */
  finish(): void {
    const terminal = this.#terminal;
    if (!terminal.interactive) terminal.write(this.#text);
    if (this.#text !== '') terminal.line();
    if (this.#citations.length === 0) return;
    terminal.line();
    for (const citation of this.#citations.toSorted((a, b) => a.marker - b.marker)) {
      const { marker, title, source_url, quote } = citation;
      const place = safeText(describePlace(citation));
      const source = source_url ? `  ${safeText(source_url)}` : '';
      const where = `${place === '' ? '' : `, ${place}`}${source}`;
      terminal.line(`${terminal.style('cyan', `[${marker}]`)} ${terminal.style('bold', safeText(title))}${where}`);
      terminal.line(`    ${terminal.style('dim', `“${shorten(safeText(quote))}”`)}`);
    }
  }
}

function rowsOf(text: string, columns: number): number {
  return text.split('\n').reduce((rows, line) => rows + Math.max(1, Math.ceil(line.length / columns)), 0);
}

function shorten(quote: string): string {
  const line = quote.replaceAll(/\s+/g, ' ').trim();
  return line.length > longestQuote ? `${line.slice(0, longestQuote)}…` : line;
}
