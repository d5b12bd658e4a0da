import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { LaunchPlan } from '../../platform/embedded/launch-plan.ts';
import { identifyProcess, isAlive } from '../../platform/embedded/process-identity.ts';
import type { ProcessIdentity } from '../../platform/embedded/process-identity.ts';
import { SetupFailure } from '../setup/setup-failure.mjs';
import type { LogFile } from './log-file.ts';

const firstBackOffMs = 100;
const usualLongestBackOffMs = 10_000;
/** A process that stayed ready this long has earned a fresh start of its back-off. */
const steadyMs = 30_000;
const attemptsToStart = 3;
const tailLines = 15;

/** What a managed process is doing. */
export type ProcessState = 'starting' | 'ready' | 'waiting to restart' | 'stopping' | 'stopped';

/** Environment of the child, how long it waits at most before it is started again, and what to call when it changes. */
export interface ManagedProcessOptions {
  env: NodeJS.ProcessEnv;
  longestBackOffMs?: number | undefined;
  logFile: LogFile;
  log: (line: string) => void;
  onChange: () => void;
}

/** One long-lived process that is started again, with back-off, whenever it ends without being asked to. */
export class ManagedProcess {
  readonly plan: LaunchPlan;
  state: ProcessState = 'stopped';
  /** The living process, null between two lives. */
  identity: ProcessIdentity | null = null;
  /** How often it was started again after an unexpected end. */
  restarts = 0;
  readonly #options: ManagedProcessOptions;
  #exited: Promise<string> = Promise.resolve('never started');
  #wanted = false;
  #stop = new AbortController();
  #supervision: Promise<void> = Promise.resolve();
  #saidReady = false;

  constructor(plan: LaunchPlan, options: ManagedProcessOptions) {
    this.plan = plan;
    this.#options = options;
  }

  get logPath(): string {
    return this.#options.logFile.path;
  }

  get pid(): number | null {
    return this.identity?.pid ?? null;
  }

  /**
   * Starts the process and waits until it is ready, then restarts it whenever it dies until `stop`. Throws with the last
   * lines of its log if it ends three times before it was ever ready, or is not ready in time.
   */
  async start(): Promise<void> {
    this.#wanted = true;
    this.#stop = new AbortController();
    for (let attempt = 1; ; attempt += 1) {
      this.#spawn();
      const ended = await this.#untilReadyOrEnded();
      if (ended === null) break;
      if (!this.#wanted) throw new Error(`${this.plan.name} was stopped while it was starting.`);
      if (attempt === attemptsToStart || ended === 'not ready in time') {
        await this.stop();
        throw new SetupFailure(
          `${this.plan.name} did not start (${ended}). The end of its log, ${this.logPath}, says why:\n` +
            this.#options.logFile.lastLines(tailLines).join('\n'),
        );
      }
      await delay(firstBackOffMs * 2 ** attempt, undefined, { signal: this.#stop.signal }).catch(() => {});
      if (!this.#wanted) throw new Error(`${this.plan.name} was stopped while it was starting.`);
    }
    this.#supervision = this.#supervise();
  }

  /** Takes over a process that an earlier supervisor started, instead of starting another one. */
  async adopt(identity: ProcessIdentity): Promise<void> {
    this.#wanted = true;
    this.#stop = new AbortController();
    this.identity = identity;
    this.#saidReady = true;
    this.#exited = untilGone(identity, this.#stop.signal);
    // Left stopped by SIGSTOP it would hold its port for ever without answering.
    this.kill('SIGCONT');
    if ((await this.#untilReadyOrEnded()) !== null) {
      await this.stop();
      await this.start();
      return;
    }
    this.#supervision = this.#supervise();
  }

  /** To be told every line that the process logs. */
  noteLine(line: string): void {
    if (this.plan.readyText !== undefined && line.includes(this.plan.readyText)) this.#saidReady = true;
  }

  /** Sends a signal; the supervision then does what it would do after any such event. */
  kill(signal: NodeJS.Signals): void {
    if (this.identity !== null && isAlive(this.identity)) process.kill(this.identity.pid, signal);
  }

  /** Resolves once the process is ready, at once if it is. */
  async untilReady(): Promise<void> {
    while (this.state !== 'ready') {
      if (this.state === 'stopped') throw new Error(`${this.plan.name} is stopped.`);
      await delay(20);
    }
  }

  /** Stops and starts the process and waits until it is ready again. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Asks the process to end, kills it if it does not in time, and never starts it again. */
  async stop(): Promise<void> {
    this.#wanted = false;
    if (this.identity !== null) {
      this.#setState('stopping');
      this.kill(this.plan.stopSignal);
      // A process under SIGSTOP sees its signal only after SIGCONT.
      this.kill('SIGCONT');
      const late = await Promise.race([this.#exited, delay(this.plan.stopTimeoutMs, null, { ref: false })]);
      if (late === null) {
        this.#options.log(`${this.plan.name} did not stop within ${this.plan.stopTimeoutMs} ms and was killed`);
        this.kill('SIGKILL');
        await this.#exited;
      }
    }
    this.#stop.abort();
    await this.#supervision;
    this.identity = null;
    this.#options.logFile.flush();
    this.#setState('stopped');
  }

  #spawn(): void {
    const { command, args, cwd, env, name } = this.plan;
    this.#setState('starting');
    this.#options.logFile.flush();
    this.#saidReady = this.plan.readyText === undefined;
    const child: ChildProcess = spawn(command, args, {
      cwd,
      env: { ...this.#options.env, ...env },
      // A session of its own: Ctrl-C in the terminal reaches the supervisor alone, which then stops all in order.
      detached: true,
      stdio: ['ignore', this.#options.logFile.descriptor, this.#options.logFile.descriptor],
    });
    this.#exited = new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
    });
    this.identity = child.pid === undefined ? null : (identifyProcess(child.pid) ?? { pid: child.pid, startedAt: '' });
    this.#options.log(`${name} started (pid ${child.pid ?? 'none'})`);
    this.#options.onChange();
  }

  /** Null when ready; otherwise why the process ended. */
  async #untilReadyOrEnded(): Promise<string | null> {
    let ended: string | null = null;
    const exited = this.#exited.then((reason) => {
      ended = reason;
      return true;
    });
    const deadline = performance.now() + this.plan.readyTimeoutMs;
    for (let wait = 10; ended === null; wait = Math.min(wait * 1.5, 200)) {
      if (this.#saidReady && (await this.plan.isReady())) {
        this.#setState('ready');
        return ended;
      }
      if (performance.now() > deadline) return 'not ready in time';
      await Promise.race([exited, delay(wait)]);
    }
    return ended;
  }

  async #supervise(): Promise<void> {
    const { longestBackOffMs = usualLongestBackOffMs } = this.#options;
    let backOffMs = firstBackOffMs;
    let readySince: number | null = performance.now();
    while (this.#wanted) {
      const reason = await this.#exited;
      if (!this.#wanted) return;
      this.identity = null;
      if (readySince !== null && performance.now() - readySince > steadyMs) backOffMs = firstBackOffMs;
      this.#options.log(`${this.plan.name} ended unexpectedly (${reason}); starting it again in ${backOffMs} ms`);
      this.#setState('waiting to restart');
      await delay(backOffMs, undefined, { signal: this.#stop.signal }).catch(() => {});
      if (!this.#wanted) return;
      backOffMs = Math.min(backOffMs * 2, longestBackOffMs);
      this.restarts += 1;
      this.#spawn();
      const ended = await this.#untilReadyOrEnded();
      if (ended === 'not ready in time') this.kill('SIGKILL');
      readySince = ended === null ? performance.now() : null;
    }
  }

  #setState(state: ProcessState): void {
    this.state = state;
    this.#options.onChange();
  }
}

/** A process that is no child of ours tells nobody of its end: look for it. */
async function untilGone(identity: ProcessIdentity, signal: AbortSignal): Promise<string> {
  while (!signal.aborted && isAlive(identity)) await delay(100);
  return 'it had been started by an earlier supervisor';
}
