import { gzipSync } from 'node:zlib';
import { workflowIds } from '../../contracts/names/workflows.ts';
import {
  claimStrayProposals,
  endProposal,
  noteProposalRestart,
  type StrayProposal,
} from '../../entities/evaluations/case-proposal-repository.ts';
import { findUnexportedRuns, keepHistory } from '../../entities/evaluations/evaluation-history-repository.ts';
import {
  claimStrayRuns,
  endRun,
  noteRunRestart,
  type StrayRun,
} from '../../entities/evaluations/evaluation-repository.ts';
import { resumeStray } from '../upkeep/resume-stray.ts';
import type { SweepEvaluationsDeps } from './evaluation-deps.ts';

const atOnce = 20;
const exportedAtOnce = 5;
// A workflow that is ended from outside again and again is not to be started for ever.
const mostRestarts = 5;
const partBytes = 1024 * 1024;

/**
 * Closes the gaps between the rows of evaluations and Temporal: starts runs and proposals that were accepted, and those whose
 * workflow was ended from outside, which go on where the rows are; ends one to which that happened again and again; and keeps the
 * histories of runs that have ended, which Temporal forgets.
 */
export function createSweepEvaluations(deps: SweepEvaluationsDeps): () => Promise<{ swept: number }> {
  return async function sweepEvaluations() {
    const stray = await deps.database.asOperator((em) => claimStrayRuns(em, atOnce));
    for (const run of stray) await resume(deps, run);
    const proposals = await deps.database.asOperator((em) => claimStrayProposals(em, atOnce));
    for (const proposal of proposals) await resumeProposal(deps, proposal);
    const ended = await deps.database.asOperator((em) => findUnexportedRuns(em, exportedAtOnce));
    for (const { workspaceId, evaluationId } of ended) {
      const histories = await deps.readHistories(workflowIds.evaluate(evaluationId));
      if (histories === null) continue;
      for (const { runId, history } of histories) {
        const packed = gzipSync(history);
        const parts = Array.from({ length: Math.ceil(packed.length / partBytes) }, (_, part) =>
          packed.subarray(part * partBytes, (part + 1) * partBytes),
        );
        await deps.database.inWorkspace(workspaceId, (em) =>
          keepHistory(em, { workspaceId, evaluationId, runId, parts }),
        );
      }
    }
    return { swept: stray.length + proposals.length };
  };
}

async function resume(deps: SweepEvaluationsDeps, { status, restarts, ...key }: StrayRun): Promise<void> {
  await resumeStray({
    isNew: status === 'queued',
    restarts,
    mostRestarts,
    start: () => deps.startEvaluation(key),
    runs: () => deps.evaluationRuns(key),
    noteRestart: () => deps.database.asOperator((em) => noteRunRestart(em, key)),
    giveUp: () => {
      const error = endedOutside('this run', restarts);
      return deps.database.inWorkspace(key.workspaceId, (em) => endRun(em, key, { status: 'failed', error }));
    },
  });
}

async function resumeProposal(deps: SweepEvaluationsDeps, { status, restarts, ...key }: StrayProposal): Promise<void> {
  await resumeStray({
    isNew: status === 'queued',
    restarts,
    mostRestarts,
    start: () => deps.startProposal(key),
    runs: () => deps.proposalRuns(key),
    noteRestart: () => deps.database.asOperator((em) => noteProposalRestart(em, key)),
    giveUp: () => {
      const error = endedOutside('this proposal', restarts);
      return deps.database.inWorkspace(key.workspaceId, (em) => endProposal(em, key, { status: 'failed', error }));
    },
  });
}

function endedOutside(what: string, restarts: number): { code: string; detail: string } {
  const detail =
    `The workflow of ${what} was ended from outside ${restarts + 1} times before it was done. Look at it in Temporal's ` +
    "UI and at the worker's log, then retry; what is done stays.";
  return { code: 'restarted_too_often', detail };
}
