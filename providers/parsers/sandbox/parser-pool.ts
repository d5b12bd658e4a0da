import { availableParallelism } from 'node:os';
import type { ParsedDocument } from '../document-parser.ts';
import type { ParseCommand } from './parser-messages.ts';
import { ParserProcess } from './parser-process-handle.ts';
import type { ParserProcessLimits } from './parser-process-handle.ts';

/** How many processes there may be, and what bounds each. */
export interface ParserPoolOptions extends ParserProcessLimits {
  /** Most processes; by default one for each processor, and four at the most. */
  readonly processes?: number;
  /** Address of a module that exports `findParser`; that of the product by default. */
  readonly findParserUrl?: string;
}

interface WaitingParse {
  readonly start: (process: ParserProcess) => void;
}

// Libraries keep caches: a process that has read so many documents makes room for a fresh one.
const parsesPerProcess = 2000;
const idleMs = 60_000;

/** Processes that read documents, one at a time each; started when needed, ended when idle. */
export class ParserPool {
  readonly #options: ParserPoolOptions;
  readonly #size: number;
  readonly #findParserUrl: string;
  readonly #idle: ParserProcess[] = [];
  readonly #all = new Set<ParserProcess>();
  readonly #waiting: WaitingParse[] = [];
  #idleTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ParserPoolOptions) {
    this.#options = options;
    this.#size = options.processes ?? Math.min(4, availableParallelism());
    this.#findParserUrl = options.findParserUrl ?? new URL('../find-parser.ts', import.meta.url).href;
  }

  /**
   * Reads one document; waits for its turn before the clock of its time limit starts.
   * @throws PerdureError saying why the document cannot be read; `unavailable` if no process can be started. Throws the
   * signal's reason as soon as it aborts, and ends the process that works on it.
   */
  async parse(command: ParseCommand, signal: AbortSignal): Promise<ParsedDocument> {
    const process = await this.#acquire(signal);
    try {
      return await process.parse(command, signal);
    } finally {
      this.#release(process);
    }
  }

  /** Ends all processes; parses under way fail. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#idleTimer);
    await Promise.all([...this.#all].map((process) => process.close()));
  }

  #acquire(signal: AbortSignal): Promise<ParserProcess> {
    signal.throwIfAborted();
    const idle = this.#takeIdle();
    if (idle) return Promise.resolve(idle);
    return new Promise((resolve, reject) => {
      const waiting: WaitingParse = {
        start: (process) => {
          signal.removeEventListener('abort', onAbort);
          resolve(process);
        },
      };
      const onAbort = (): void => {
        const index = this.#waiting.indexOf(waiting);
        if (index >= 0) this.#waiting.splice(index, 1);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(waiting);
    });
  }

  #takeIdle(): ParserProcess | undefined {
    for (let process = this.#idle.pop(); process !== undefined; process = this.#idle.pop()) {
      if (!process.dead) return process;
      this.#all.delete(process);
    }
    if (this.#closed) throw new Error('The parser pool is closed.');
    if (this.#all.size >= this.#size) return undefined;
    return this.#startProcess();
  }

  #startProcess(): ParserProcess {
    const process = new ParserProcess(this.#options, this.#findParserUrl);
    this.#all.add(process);
    return process;
  }

  #release(process: ParserProcess): void {
    const worn = process.parses >= parsesPerProcess || process.residentBytes > this.#options.memoryBytes / 2;
    if (process.dead || worn || this.#closed) {
      process.retire();
      this.#all.delete(process);
    } else {
      this.#idle.push(process);
    }
    if (this.#closed) return;
    // Starts now, in the background, what the next document will want.
    if (worn && !process.dead) this.#idle.push(this.#startProcess());
    if (this.#waiting.length > 0) {
      const next = this.#takeIdle();
      if (next) this.#waiting.shift()!.start(next);
      return;
    }
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => this.#endIdle(), idleMs).unref();
  }

  #endIdle(): void {
    for (const process of this.#idle.splice(0)) {
      this.#all.delete(process);
      process.retire();
    }
  }
}
