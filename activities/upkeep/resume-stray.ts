/** A row whose workflow may be missing, and what brings it on. All calls may be repeated. */
export type StrayWork = {
  /** Whether its workflow was never started, as far as the row knows. */
  isNew: boolean;
  /** How often its workflow was started again so far, and at most. */
  restarts: number;
  mostRestarts: number;
  start(): Promise<void>;
  runs(): Promise<boolean>;
  noteRestart(): Promise<void>;
  /** Ends the row, whose workflow was ended from outside again and again. */
  giveUp(): Promise<unknown>;
};

/** Brings a row to its workflow: starts it, or starts it again where it was ended from outside, but not for ever. */
export async function resumeStray(work: StrayWork): Promise<void> {
  if (work.isNew) return work.start();
  if (await work.runs()) return;
  if (work.restarts >= work.mostRestarts) {
    await work.giveUp();
    return;
  }
  // Before the start: one that fails is counted too.
  await work.noteRestart();
  await work.start();
}
