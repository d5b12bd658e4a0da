import type { ProcessName } from './run-file.ts';

type Source = ProcessName | 'perdure';

const colours: Record<Source, number> = { perdure: 36, postgres: 34, temporal: 35, api: 32, worker: 33 };
const width = 9;
/** Fields of a JSON log line that are in the file for machines and only lengthen it at the terminal. */
const machineFields = new Set(['level', 'time', 'name', 'message', 'request_id', 'trace_id', 'span_id', 'trace_flags']);

/** Prints the lines of all processes, each behind its name, in colour where a person looks on. */
export class TerminalLog {
  readonly #stream: NodeJS.WriteStream;
  #held: string[] | null = null;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  /** Prints one line, a JSON log line in readable form. */
  write(source: Source, line: string): void {
    if (line.trim() === '') return;
    const name = source.padEnd(width);
    const prefix = this.#stream.isTTY ? `\u001B[${colours[source]}m${name}\u001B[0m│` : `${name}|`;
    const text = `${prefix} ${readable(line)}\n`;
    if (this.#held === null) this.#stream.write(text);
    else this.#held.push(text);
  }

  /** Holds lines back, so that they do not break up what another program prints meanwhile. */
  pause(): void {
    this.#held ??= [];
  }

  /** Prints what was held back. */
  resume(): void {
    for (const text of this.#held ?? []) this.#stream.write(text);
    this.#held = null;
  }
}

function readable(line: string): string {
  if (!line.startsWith('{')) return line;
  try {
    const entry = JSON.parse(line) as Record<string, unknown>;
    if (typeof entry.level !== 'string' || typeof entry.message !== 'string') return line;
    const rest = Object.entries(entry).filter(([key]) => !machineFields.has(key));
    const fields = rest.map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
    return `${entry.level} ${entry.message}${fields.join('')}`;
  } catch {
    return line;
  }
}
