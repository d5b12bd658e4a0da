import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

/** A peer in a process of its own: it says when it is ready, works when told to, and can be killed meanwhile. */
export class PeerProcess<Ready, Done> {
  readonly ready: Ready;
  /** The end of what it has written to its error stream. */
  readonly errors: () => string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(child: ChildProcess, ended: Promise<unknown>, ready: Ready, errors: () => string) {
    this.errors = errors;
    this.#child = child;
    this.#ended = ended;
    this.ready = ready;
  }

  /** Runs `programs/NAME.ts` and waits for its first message. Throws where it ends before. */
  static async start<Ready, Done>(
    name: string,
    args: readonly string[],
    env: NodeJS.ProcessEnv = process.env,
  ): Promise<PeerProcess<Ready, Done>> {
    const program = path.join(import.meta.dirname, 'programs', `${name}.ts`);
    // Whatever a peer logs is no result.
    const child = fork(program, args, { env, execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let errors = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-4_000)));
    const ended = once(child, 'exit').then(([code]) => code as number | null);
    const ready = await Promise.race([
      once(child, 'message').then(([message]) => message as Ready),
      ended.then((code) => Promise.reject(new Error(`${name} ended with ${code} before it was ready: ${errors}`))),
    ]);
    return new PeerProcess(child, ended, ready, () => errors);
  }

  /** Lets it work and resolves to what it sends at its end; null where it failed or was killed. */
  async work(): Promise<Done | null> {
    const done = once(this.#child, 'message').then(([message]) => message as Done);
    this.#child.send('go');
    const result = await Promise.race([done, this.#ended.then(() => null)]);
    await this.#ended;
    return result;
  }

  /** As `kill -9`. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
