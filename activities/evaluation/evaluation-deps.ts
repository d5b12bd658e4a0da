import type { StoredModel } from '../../entities/agents/stored-model.ts';
import type { ProposalKey } from '../../entities/evaluations/case-proposal-repository.ts';
import type { EvaluationKey } from '../../entities/evaluations/evaluation-repository.ts';
import type { Database } from '../../platform/database.ts';
import type { ChatModel } from '../../providers/chat-model.ts';
import type { EmbeddingModel } from '../../providers/embedding-model.ts';
import type { GuardedFetch } from '../../providers/fetch/guarded-fetch.ts';
import type { ChangeWriter } from './change-writer.ts';

/** A turn of a conversation that an evaluation holds, and whose row is committed. */
export type HeldTurn = { workspaceId: string; conversationId: string; agentId: string; turnId: string };

/** What the steps of an evaluation are made with. */
export type EvaluationDeps = {
  database: Database;
  /** Opens the stored key and resolves the adapter. */
  chatModel(model: StoredModel): ChatModel;
  embeddingModel(model: StoredModel): EmbeddingModel;
  fetch: GuardedFetch;
  openSealed(sealed: string): string;
  /** Shared by all steps of the process: what they write at the same time goes in one transaction. */
  changes: ChangeWriter;
  /** Brings a turn to its conversation, on the queue of evaluations. */
  submitTurn(turn: HeldTurn): Promise<void>;
  cancelTurn(turn: HeldTurn): Promise<void>;
  /** Wakes the watchers of a run; called after a commit, never inside a transaction. */
  notifyEvaluation(evaluationId: string): void;
};

/** What the sweep of evaluations is made with; all calls may be repeated. */
export type SweepEvaluationsDeps = {
  database: Database;
  startEvaluation(key: EvaluationKey): Promise<void>;
  evaluationRuns(key: EvaluationKey): Promise<boolean>;
  startProposal(key: ProposalKey): Promise<void>;
  proposalRuns(key: ProposalKey): Promise<boolean>;
  /** The histories of a closed workflow and the runs that it continued, oldest first; null while it is open. */
  readHistories(workflowId: string): Promise<{ runId: string; history: Uint8Array }[] | null>;
};
