import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];
type Output = NodeJS.WriteStream | (NodeJS.WritableStream & { isTTY?: boolean; columns?: number });

/** Where a command writes: results on standard output, everything else on standard error; colours only on a TTY. */
export class Terminal {
  readonly #out: Output;
  readonly #err: Output;
  #progress = false;

  constructor(out: Output, err: Output) {
    this.#out = out;
    this.#err = err;
  }

  /** Whether somebody watches the results appear. */
  get interactive(): boolean {
    return this.#out.isTTY === true;
  }

  /** Where prompts and what is typed are shown: beside the results. */
  get prompts(): Output {
    return this.#err;
  }

  get columns(): number {
    return this.#out.columns || 80;
  }

  /** A line of the result. */
  line(text = ''): void {
    this.#clearProgress();
    this.#out.write(`${text}\n`);
  }

  /** A line of NDJSON. */
  json(value: unknown): void {
    this.line(JSON.stringify(value));
  }

  /** Part of a line of the result. */
  write(text: string): void {
    this.#clearProgress();
    this.#out.write(text);
  }

  /** A line beside the result. */
  note(text: string): void {
    this.#clearProgress();
    this.#err.write(`${text}\n`);
  }

  /** Replaces the progress shown under the lines; nothing where nobody watches. */
  progress(text: string): void {
    if (this.#err.isTTY !== true) return;
    this.#clearProgress();
    this.#err.write(text.slice(0, (this.#err.columns || 80) - 1));
    this.#progress = true;
  }

  /** Takes the progress away. */
  done(): void {
    this.#clearProgress();
  }

  /** `text` in a style, on a TTY. */
  style(style: Style, text: string): string {
    return styled(this.#out, style, text);
  }

  /** `text` in a style, for notes. */
  noteStyle(style: Style, text: string): string {
    return styled(this.#err, style, text);
  }

  #clearProgress(): void {
    if (this.#progress) this.#err.write('\r\u001B[2K');
    this.#progress = false;
  }
}

function styled(stream: Output, style: Style, text: string): string {
  return stream.isTTY === true ? styleText(style, text, { stream }) : text;
}
