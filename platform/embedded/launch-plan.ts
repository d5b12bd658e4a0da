/** Everything needed to run one long-lived process, to know when it is ready, and to stop it without loss. */
export interface LaunchPlan {
  name: 'postgres' | 'temporal' | 'api' | 'worker';
  command: string;
  args: readonly string[];
  /** Added to the environment that the stack was started with. */
  env: Readonly<Record<string, string>>;
  cwd: string;
  stopSignal: NodeJS.Signals;
  /** How long a polite stop may take before the process is killed. */
  stopTimeoutMs: number;
  /** How long the process may take until its first `isReady`. */
  readyTimeoutMs: number;
  /** Part of the log line with which the process says that it serves; `isReady` is asked only after it. */
  readyText?: string;
  /** Answers within about two seconds, and never throws. */
  isReady: () => Promise<boolean>;
}
