import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { PerdureError } from '../../../contracts/errors.ts';
import type { ErrorCode } from '../../../contracts/errors.ts';
import type { ParsedDocument } from '../document-parser.ts';
import { isolateCommand } from './isolate-command.ts';
import { memorySignal } from './parser-messages.ts';
import type { ParseCommand, ParserReply } from './parser-messages.ts';

/** What bounds one parser process. */
export interface ParserProcessLimits {
  /** Resident memory of the process; its heap gets three quarters of it. */
  readonly memoryBytes: number;
  /** Milliseconds of one parse. */
  readonly timeoutMs: number;
}

const root = path.resolve(import.meta.dirname, '../../..');
const entry = path.join(import.meta.dirname, 'parser-process.ts');
// Code, and nothing else: neither settings nor data.
const readableFolders = ['contracts', 'domain', 'providers/parsers', 'node_modules'];
// What parsers print is looked at only when a process dies.
const printedTail = 4096;
const mostPrinted = 1024 * 1024;

/** One parser process; it reads one document at a time. */
export class ParserProcess {
  /** Rejects with `unavailable` if the process could not be started. */
  readonly ready: Promise<void>;
  parses = 0;
  residentBytes = 0;
  dead = false;
  readonly #child: ChildProcess;
  readonly #limits: ParserProcessLimits;
  #printed = '';
  #printedLength = 0;
  /** Why it was killed from here. */
  #killed: { code: ErrorCode; detail: string } | null = null;
  #settle: ((reply: ParserReply | null) => void) | null = null;
  readonly #exited: Promise<void>;

  constructor(limits: ParserProcessLimits, findParserUrl: string) {
    this.#limits = limits;
    const [command, ...args] = [
      ...isolateCommand(entry),
      process.execPath,
      '--permission',
      '--allow-worker',
      // SQLite opens files past the permission model.
      '--no-experimental-sqlite',
      ...readable(findParserUrl).map((folder) => `--allow-fs-read=${folder}`),
      '--disable-warning=SecurityWarning',
      '--disable-warning=ExperimentalWarning',
      `--max-old-space-size=${Math.floor((limits.memoryBytes * 0.75) / 1024 ** 2)}`,
      entry,
      JSON.stringify({ findParserUrl, memoryBytes: limits.memoryBytes }),
    ];
    // An empty environment: it may hold secrets.
    this.#child = spawn(command, args, {
      cwd: root,
      env: {},
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    this.#exited = new Promise((resolve) => {
      const end = (): void => {
        this.dead = true;
        resolve();
        this.#settle?.(null);
      };
      this.#child.once('exit', end);
      this.#child.once('error', end);
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (data) => this.#keep(data as Buffer));
    this.#child.on('message', (reply: ParserReply) => this.#settle?.(reply));
    this.ready = this.#next().then((reply) => {
      if (reply?.kind === 'ready') return;
      throw new PerdureError('unavailable', `No parser process could be started: ${this.#printed.trim().slice(-500)}`);
    });
    // Whoever runs a parse meets the failure.
    this.ready.catch(() => undefined);
    this.#keepAlive(false);
  }

  /**
   * @throws PerdureError with the code of what went wrong; the process is then dead unless the parser itself refused.
   * Throws the signal's reason when it aborts.
   */
  async parse(command: ParseCommand, signal: AbortSignal): Promise<ParsedDocument> {
    this.#keepAlive(true);
    await this.ready;
    signal.throwIfAborted();
    this.parses += 1;
    const seconds = this.#limits.timeoutMs / 1000;
    const onAbort = (): void => this.kill();
    signal.addEventListener('abort', onAbort, { once: true });
    const timer = setTimeout(() => {
      this.#kill('parser_timeout', `Reading the document took longer than ${seconds} seconds.`);
    }, this.#limits.timeoutMs);
    try {
      const reply = this.#next();
      // A process that died meanwhile is told of by its end, not by this.
      this.#child.send(command, () => undefined);
      return this.#read(await reply);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      this.#keepAlive(false);
    }
  }

  /** Lets an idle process end by itself. */
  retire(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Ends the process and waits until it is gone. */
  async close(): Promise<void> {
    this.#keepAlive(true);
    this.kill();
    if (!this.dead) await this.#exited;
  }

  #next(): Promise<ParserReply | null> {
    return new Promise((resolve) => {
      this.#settle = (reply) => {
        this.#settle = null;
        resolve(reply);
      };
      if (this.dead) this.#settle(null);
    });
  }

  #read(reply: ParserReply | null): ParsedDocument {
    if (reply?.kind === 'parsed') {
      this.residentBytes = reply.residentBytes;
      return reply.document;
    }
    if (reply?.kind === 'failed') {
      this.residentBytes = reply.residentBytes;
      throw new PerdureError(reply.code, reply.detail);
    }
    const { code, detail } = this.#killed ?? this.#causeOfDeath();
    throw new PerdureError(code, detail);
  }

  #causeOfDeath(): { code: ErrorCode; detail: string } {
    const { exitCode, signalCode } = this.#child;
    const megabytes = Math.floor(this.#limits.memoryBytes / 1024 ** 2);
    if (signalCode === memorySignal || /heap out of memory|Allocation failed/.test(this.#printed)) {
      return { code: 'parser_out_of_memory', detail: `Reading the document took more than ${megabytes} MB of memory.` };
    }
    const end = signalCode === null ? `ended with status ${exitCode}` : `was ended by ${signalCode}`;
    return {
      code: 'parser_crashed',
      detail: `The process that read the document ${end}. Other documents are not touched.`,
    };
  }

  #keep(data: Buffer): void {
    this.#printedLength += data.length;
    this.#printed = (this.#printed + data.toString('latin1')).slice(-printedTail);
    if (this.#printedLength <= mostPrinted || this.parses === 0) return;
    this.#kill('parser_output_too_large', 'The parser printed without end while it read the document.');
  }

  #kill(code: ErrorCode, detail: string): void {
    this.#killed ??= { code, detail };
    this.kill();
  }

  /** An idle parser process does not keep its worker from ending. */
  #keepAlive(busy: boolean): void {
    for (const held of [this.#child, this.#child.channel, this.#child.stdout, this.#child.stderr]) {
      const handle = held as { ref?(): void; unref?(): void } | null | undefined;
      if (busy) handle?.ref?.();
      else handle?.unref?.();
    }
  }
}

function readable(findParserUrl: string): string[] {
  const folders = readableFolders.map((folder) => path.join(root, folder));
  // The permission is checked against the real path of a link, too.
  const real = realpathSync(path.join(root, 'node_modules'));
  return [...folders, real, path.join(root, 'package.json'), path.dirname(fileURLToPath(findParserUrl))];
}
