import { createSweepTurns, type SweepTurnsDeps } from './sweep-turns.ts';

/** Deps of the steps that run by schedule. */
export type UpkeepDeps = SweepTurnsDeps & { sweepAcceptedDocuments(): Promise<{ swept: number }> };

/** The steps of scheduled upkeep. */
export function createUpkeepActivities(deps: UpkeepDeps) {
  return { sweepTurns: createSweepTurns(deps), sweepAcceptedDocuments: deps.sweepAcceptedDocuments };
}
