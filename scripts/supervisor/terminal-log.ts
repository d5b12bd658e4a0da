import type { ProcessName } from './run-file.ts';

type Source = ProcessName | 'perdure';

const colours: Record<Source, number> = { perdure: 36, postgres: 34, temporal: 35, api: 32, worker: 33 };
const width = 9;
const levels: Record<number, string> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };
/** Fields of a JSON log line that say nothing to a person at the terminal. */
const plainFields = new Set([
  'level',
  'time',
  'msg',
  'pid',
  'hostname',
  'trace_id',
  'span_id',
  'trace_flags',
  'service',
]);

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
    if (typeof entry.level !== 'number' || typeof entry.msg !== 'string') return line;
    const rest = Object.entries(entry).filter(([key]) => !plainFields.has(key));
    const fields = rest.map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
    return `${levels[entry.level] ?? entry.level} ${entry.msg}${fields.join('')}`;
  } catch {
    return line;
  }
}
