import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { ReservedPort } from '../../platform/embedded/free-port.ts';
import type { LaunchPlan } from '../../platform/embedded/launch-plan.ts';
import { identifyProcess } from '../../platform/embedded/process-identity.ts';
import type { ProcessIdentity } from '../../platform/embedded/process-identity.ts';
import { checkout } from '../setup/installation.mjs';
import { LogFile } from './log-file.ts';
import { ManagedProcess } from './managed-process.ts';
import { processNames, writeRunFile } from './run-file.ts';
import type { ProcessName, RunFile, StackPorts } from './run-file.ts';
import { homeLayout } from './stack-settings.ts';

/** Where a stack lives, what its processes are told, and who hears of it. */
export interface StackInit {
  home: string;
  env: NodeJS.ProcessEnv;
  longestBackOffMs: number | undefined;
  log: (line: string) => void;
  onOutput: (name: ProcessName, line: string) => void;
  unlock: () => void;
}

const portsOf: Record<ProcessName, readonly (keyof StackPorts)[]> = {
  postgres: ['postgres'],
  temporal: ['temporal', 'temporalUi'],
  api: ['api'],
  worker: ['workerMetrics'],
};

/** The processes of one home; `run.json` there always says how they are. */
export class Stack {
  readonly home: string;
  /** The environment that the API, the worker and scripts of this stack run with. */
  readonly env: NodeJS.ProcessEnv;
  readonly processes: Partial<Record<ProcessName, ManagedProcess>> = {};
  ports: StackPorts = { postgres: null, temporal: null, temporalUi: null, workerMetrics: null, api: null };
  urls: RunFile['urls'] = { api: null, docs: null, temporal: null, temporalUi: null, database: null };
  state: RunFile['state'] = 'starting';
  /** Ports held for processes that are not running yet. */
  readonly reservations = new Map<keyof StackPorts, ReservedPort>();
  readonly #init: StackInit;
  readonly #logFiles: LogFile[] = [];
  readonly #scripts = new Set<ChildProcess>();
  #stopped: Promise<void> | null = null;

  constructor(init: StackInit) {
    this.home = init.home;
    this.env = init.env;
    this.#init = init;
  }

  /** Starts a process, or takes over the one that is identified, and waits until it is ready. */
  async run(plan: LaunchPlan, running: ProcessIdentity | null = null): Promise<void> {
    if (this.#stopped !== null) throw new Error('The stack is being stopped.');
    const file = path.join(homeLayout(this.home).logs, `${plan.name}.log`);
    const logFile = new LogFile(file, (line) => {
      this.processes[plan.name]?.noteLine(line);
      // Servers that are being stopped complain of each other; their logs keep it.
      const isServer = plan.name === 'postgres' || plan.name === 'temporal';
      if (!(isServer && this.state === 'stopping')) this.#init.onOutput(plan.name, line);
    });
    this.#logFiles.push(logFile);
    logFile.follow();
    const managed = new ManagedProcess(plan, {
      env: this.env,
      longestBackOffMs: this.#init.longestBackOffMs,
      logFile,
      log: this.#init.log,
      onChange: () => this.#saveOrSay(),
    });
    this.processes[plan.name] = managed;
    await this.#release(portsOf[plan.name]);
    await (running === null ? managed.start() : managed.adopt(running));
  }

  /**
   * Runs a script of the checkout with the stack's environment to its end and returns its exit code. Its output goes to
   * `output` line by line, or to this process's own terminal.
   */
  async runScript(
    script: string,
    args: readonly string[],
    output: ((line: string, isError: boolean) => void) | 'inherit',
  ): Promise<number> {
    if (this.#stopped !== null) throw new Error('The stack is being stopped.');
    const stdio = output === 'inherit' ? 'inherit' : 'pipe';
    const child = spawn(process.execPath, [path.join(checkout, script), ...args], {
      cwd: checkout,
      env: this.env,
      stdio: ['ignore', stdio, stdio],
    });
    this.#scripts.add(child);
    if (output !== 'inherit' && child.stdout !== null && child.stderr !== null) {
      createInterface({ input: child.stdout }).on('line', (line) => output(line, false));
      createInterface({ input: child.stderr }).on('line', (line) => output(line, true));
    }
    const code = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (exitCode) => resolve(exitCode ?? 1));
    });
    this.#scripts.delete(child);
    return code;
  }

  /** Writes the present state into `run.json`. */
  save(state: RunFile['state'] = this.state): void {
    this.state = state;
    const supervisor = identifyProcess(process.pid);
    if (supervisor === null) throw new Error(`This process (${process.pid}) cannot read its own start time.`);
    const processes: RunFile['processes'] = {};
    for (const [name, managed] of this.#entries()) {
      const { identity, state: processState, restarts, logPath: logFile } = managed;
      processes[name] = { identity, state: processState, restarts, logFile };
    }
    writeRunFile({ state, home: this.home, supervisor, processes, ports: this.ports, urls: this.urls });
  }

  /** Stops everything within ten seconds: first what uses the servers, then Temporal, then PostgreSQL. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopInOrder();
    return this.#stopped;
  }

  async #stopInOrder(): Promise<void> {
    this.save('stopping');
    try {
      for (const script of this.#scripts) script.kill('SIGTERM');
      await Promise.all([this.processes.api?.stop(), this.processes.worker?.stop()]);
      await this.processes.temporal?.stop();
      await this.processes.postgres?.stop();
      this.save('stopped');
    } finally {
      await this.#release([...this.reservations.keys()]);
      for (const logFile of this.#logFiles) logFile.close();
      this.#init.unlock();
    }
  }

  /** A full disk must not end the supervision of what still runs. */
  #saveOrSay(): void {
    try {
      this.save();
    } catch (error) {
      this.#init.log(`run.json could not be written: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async #release(names: readonly (keyof StackPorts)[]): Promise<void> {
    const matching = [...this.reservations].filter(([name]) => names.includes(name));
    for (const [name] of matching) this.reservations.delete(name);
    await Promise.all(matching.map(([, reserved]) => reserved.release()));
  }

  #entries(): [ProcessName, ManagedProcess][] {
    return processNames.flatMap((name) => {
      const managed = this.processes[name];
      return managed === undefined ? [] : [[name, managed] as [ProcessName, ManagedProcess]];
    });
  }
}
