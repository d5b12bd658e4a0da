/** What is hit. */
export const targets = ['worker', 'api', 'postgres', 'temporal'] as const;
export type Target = (typeof targets)[number];

/** How: `kill` is kill -9; `freeze` is SIGSTOP past the heartbeat's time-out, then SIGCONT, which makes zombies. */
export const faults = ['kill', 'freeze'] as const;
export type Fault = (typeof faults)[number];

/** What goes on meanwhile. */
export const workloads = ['ingest', 'turns'] as const;
export type WorkloadName = (typeof workloads)[number];

/** One combination, by the name that `--scenario` takes. */
export type Scenario = { name: string; target: Target; fault: Fault; workload: WorkloadName };

/** Every scenario of the harness. */
export const scenarios: readonly Scenario[] = workloads.flatMap((workload) =>
  targets.flatMap((target) =>
    faults.map((fault) => ({ name: `${workload}-${fault}-${target}`, target, fault, workload })),
  ),
);
