import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';

// With slow downloads a first start may take this long.
const longestMs = 420_000;
const stopMs = 15_000;

/** `npm start` in a checkout, as typed into a terminal of its own. */
export class NpmStart {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #started = performance.now();
  readonly #lines: { text: string; seconds: number }[] = [];
  readonly #exited: Promise<void>;
  #noticed = () => {};

  constructor(checkout: string, port: number) {
    this.#child = spawn('npm', ['start'], {
      cwd: checkout,
      env: freshEnvironment(port),
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group, which Ctrl-C in a terminal reaches as a whole.
      detached: true,
    });
    if (this.#child.pid === undefined) throw new Error('npm could not be started.');
    this.pid = this.#child.pid;
    this.#exited = new Promise((resolve) => this.#child.once('close', () => resolve()));
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      createInterface({ input: stream }).on('line', (text) => {
        this.#lines.push({ text, seconds: (performance.now() - this.#started) / 1000 });
        this.#noticed();
      });
    }
  }

  /** Seconds after the command until the first line that matches was printed. */
  async until(pattern: RegExp): Promise<number> {
    const ended = this.#exited.then(() => 'ended' as const);
    const late = new Promise<'late'>((resolve) => setTimeout(resolve, longestMs, 'late').unref());
    for (;;) {
      const found = this.#lines.find(({ text }) => pattern.test(text));
      if (found) return found.seconds;
      const noticed = new Promise<'line'>((resolve) => (this.#noticed = () => resolve('line')));
      const event = await Promise.race([noticed, ended, late]);
      if (event === 'line') continue;
      const last = this.#lines.slice(-20).map(({ text }) => text);
      throw new Error(
        `npm start ${event === 'ended' ? 'ended' : 'took too long'} before ${pattern}:\n${last.join('\n')}`,
      );
    }
  }

  /** What was printed about a step: its text and the second. */
  printed(): readonly { text: string; seconds: number }[] {
    return this.#lines;
  }

  /** Presses Ctrl-C; resolves to the seconds until everything has ended. */
  async stop(): Promise<number> {
    const started = performance.now();
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      process.kill(-this.pid, 'SIGINT');
      const killer = setTimeout(() => process.kill(-this.pid, 'SIGKILL'), stopMs);
      await this.#exited;
      clearTimeout(killer);
    }
    return (performance.now() - started) / 1000;
  }
}

/** The user's environment without what npm and this checkout have put there, and without accounts and servers. */
function freshEnvironment(port: number): NodeJS.ProcessEnv {
  const foreign = /^(npm_|INIT_CWD$|NODE$|NODE_OPTIONS$|PERDURE_|DATABASE_URL$|TEMPORAL_|OPENAI_|OTEL_)/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
  const folders = (env.PATH ?? '').split(path.delimiter).filter((folder) => !folder.includes('node_modules'));
  return { ...env, PATH: folders.join(path.delimiter), PERDURE_PORT: String(port) };
}
