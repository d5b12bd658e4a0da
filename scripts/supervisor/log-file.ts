import { closeSync, copyFileSync, fstatSync, mkdirSync, openSync, readFileSync, readSync, truncateSync } from 'node:fs';
import path from 'node:path';

const pollMs = 100;
const largestBytes = 20_000_000;

/**
 * A process writes its log into a file, not into a pipe to the supervisor: it outlives a killed supervisor without a
 * broken pipe, and the next supervisor reads on. Beyond 20 MB the log is moved to `<name>.1`.
 */
export class LogFile {
  readonly path: string;
  readonly #onLine: (line: string) => void;
  readonly #descriptor: number;
  #position: number;
  #partial = '';
  #timer: NodeJS.Timeout | null = null;

  constructor(file: string, onLine: (line: string) => void) {
    mkdirSync(path.dirname(file), { recursive: true });
    this.path = file;
    this.#onLine = onLine;
    // Append mode: the process writes on correctly after the file was emptied under it.
    this.#descriptor = openSync(file, 'a+');
    this.#position = fstatSync(this.#descriptor).size;
  }

  /** What a child's standard output and error are connected to. */
  get descriptor(): number {
    return this.#descriptor;
  }

  /** Passes on new lines as they come. */
  follow(): void {
    this.#timer ??= setInterval(() => this.#poll(), pollMs);
  }

  /** Passes on what is left, then closes the file. */
  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.flush();
    closeSync(this.#descriptor);
  }

  /** Passes on everything that was written until now, an unfinished last line included. */
  flush(): void {
    this.#poll();
    if (this.#partial !== '') this.#onLine(this.#partial);
    this.#partial = '';
  }

  /** The newest lines, for a message about an early end. */
  lastLines(count: number): readonly string[] {
    return readFileSync(this.path, 'utf8').trimEnd().split('\n').slice(-count);
  }

  #poll(): void {
    const { size } = fstatSync(this.#descriptor);
    if (size < this.#position) this.#position = 0;
    while (this.#position < size) {
      const buffer = Buffer.alloc(Math.min(size - this.#position, 65_536));
      const read = readSync(this.#descriptor, buffer, 0, buffer.length, this.#position);
      if (read === 0) break;
      this.#position += read;
      const lines = (this.#partial + buffer.toString('utf8', 0, read)).split('\n');
      this.#partial = lines.pop() ?? '';
      for (const line of lines) this.#onLine(line);
    }
    if (this.#position > largestBytes) this.#rotate();
  }

  #rotate(): void {
    try {
      copyFileSync(this.path, `${this.path}.1`);
    } catch {
      // On a full disk the space is worth more than the old lines.
    }
    truncateSync(this.path);
    this.#position = 0;
  }
}
