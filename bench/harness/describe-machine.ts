import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';

/** One line on where a result was made: without it no two results can be compared. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  const memory = Math.round(totalmem() / 2 ** 30);
  return (
    `${availableParallelism()} cores (${model}), ${memory} GB, ${process.platform} ${process.arch}, ` +
    `Node ${process.versions.node}, load ${loadavg()[0]!.toFixed(1)} at the start`
  );
}
