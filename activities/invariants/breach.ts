import type { EntityManager } from '@mikro-orm/postgresql';

/** One thing that is not as it must be. `invariant` is its number, as `invariants` has it. */
export type Breach = { invariant: number; entity: string; id: string; detail: string };

/** What Temporal knows of workflows. */
export interface WorkflowStates {
  /** Whether a workflow (its latest run, if none is named) runs, has ended, or is not known: its history may be forgotten. */
  stateOf(workflowId: string, runId?: string): Promise<'running' | 'ended' | 'unknown'>;
  /** Ids of the running workflows of a type. */
  listRunning(workflowType: string): AsyncIterable<string>;
}

/**
 * What a check may look at; Temporal is not asked where `temporal` is null. Rows that changed within the last
 * `graceSeconds` are still on their way.
 */
export type CheckContext = { em: EntityManager; temporal: WorkflowStates | null; graceSeconds: number };

/** Looks for breaches of one invariant. */
export type Check = (context: CheckContext) => Promise<Breach[]>;
