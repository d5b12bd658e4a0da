import { batchPoints } from './batch-points.ts';
import type { ChaosPoint } from './chaos-point.ts';
import { evaluationPoints } from './evaluation-points.ts';
import { ingestWorkload } from './ingest-workload.ts';
import { maintainPoints } from './maintain-points.ts';
import { memoryPoints } from './memory-points.ts';
import { modelPoints } from './model-points.ts';
import { runConversations } from './run-conversations.ts';
import { runEvaluations } from './run-evaluations.ts';
import { runRollingDeploy } from './run-rolling-deploy.ts';
import { runRollingRestart } from './run-rolling-restart.ts';
import { runRound } from './run-round.ts';
import { runInterleavings } from './run-interleavings.ts';
import { runRateLimited } from './run-rate-limited.ts';
import { runPoints } from './run-points.ts';
import { sagaPoints } from './saga-points.ts';
import { runSchedules } from './run-schedules.ts';
import { syncPoints } from './sync-points.ts';
import { faults, targets } from './scenario.ts';
import type { Scenario } from './scenario.ts';
import { turnPoints } from './turn-points.ts';
import { turnsWorkload } from './turns-workload.ts';

const workloads = { ingest: ingestWorkload, turns: turnsWorkload };

const whileWorking = Object.entries(workloads).flatMap(([workload, make]) =>
  targets.flatMap((target) =>
    faults.map((fault): Scenario => ({
      name: `${workload}-${fault}-${target}`,
      paidModel: false,
      run: (stack, random, { round }) =>
        runRound({ target, fault, make }, { stack, random, round: `${workload}-${fault}-${target}-${round}` }),
    })),
  ),
);

/** The scenarios that hit processes at points, with their points. */
export const chaosPoints: Readonly<Record<string, readonly ChaosPoint[]>> = {
  'saga-points': sagaPoints,
  'batch-points': batchPoints,
  'sync-points': syncPoints,
  'model-points': modelPoints,
  'maintain-points': maintainPoints,
  'turn-points': turnPoints,
  'evaluation-points': evaluationPoints,
  'memory-points': memoryPoints,
};

/** Every scenario of the harness. */
export const scenarios: readonly Scenario[] = [
  ...whileWorking,
  ...Object.entries(chaosPoints).map(([name, points]): Scenario => ({
    name,
    paidModel: true,
    run: (stack, random, options) => runPoints(stack, random, options, [{ name, points, sample: options.sample }]),
  })),
  { name: 'interleavings', paidModel: true, run: runInterleavings },
  { name: 'rate-limited', paidModel: true, run: runRateLimited },
  { name: 'rolling-restart', paidModel: true, run: runRollingRestart },
  { name: 'schedules', paidModel: true, run: runSchedules },
  { name: 'conversations', paidModel: true, run: runConversations },
  { name: 'evaluations', paidModel: true, run: runEvaluations('answers') },
  { name: 'evaluations-judge-late', paidModel: true, run: runEvaluations('comes-late') },
  { name: 'evaluations-judge-gone', paidModel: true, run: runEvaluations('stays-away') },
  // The last one: its workers stay on the next version.
  { name: 'rolling-deploy', paidModel: true, run: runRollingDeploy },
];
