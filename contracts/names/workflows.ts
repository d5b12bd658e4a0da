/** Workflow type names, as registered by workflows/index.ts. */
export const workflowTypes = {
  conversation: 'conversation',
  ingestDocument: 'ingestDocument',
  ingestBatch: 'ingestBatch',
  sweepAccepted: 'sweepAccepted',
  sweepOrphans: 'sweepOrphans',
  maintainLexicon: 'maintainLexicon',
  checkInvariants: 'checkInvariants',
  aggregateUsage: 'aggregateUsage',
  retainData: 'retainData',
  syncSource: 'syncSource',
  requestSync: 'requestSync',
  checkSource: 'checkSource',
  indexModel: 'indexModel',
  maintainIndex: 'maintainIndex',
  maintainIndexes: 'maintainIndexes',
  moveEmbeddings: 'moveEmbeddings',
  evaluate: 'evaluate',
  learnMemory: 'learnMemory',
  learnMemories: 'learnMemories',
  condenseMemories: 'condenseMemories',
  deliverWebhook: 'deliverWebhook',
  proposeCases: 'proposeCases',
} as const;

/** Workflow ids derive from row ids, so a repeated start meets Temporal's own id rules. They carry no personal data. */
export const workflowIds = {
  conversation: (conversationId: string) => `conversation/${conversationId}`,
  ingestDocument: (documentId: string, generation: number) => `ingest/${documentId}/${generation}`,
  /** Small documents of one job that are ingested together; `part` counts from 1, or names the first document. */
  ingestBatch: (jobId: string, part: number | string) => `ingest-batch/${jobId}/${part}`,
  sweepAccepted: 'sweep-accepted',
  sweepOrphans: 'sweep-orphans',
  maintainLexicon: 'maintain-lexicon',
  syncSource: (knowledgeSourceId: string) => `sync/${knowledgeSourceId}`,
  syncItems: (syncId: string) => `sync-items/${syncId}`,
  indexModel: (modelId: string) => `index-model/${modelId}`,
  maintainIndex: (modelId: string) => `maintain-index/${modelId}`,
  moveEmbeddings: (moveId: string) => `move-embeddings/${moveId}`,
  checkSource: (requestId: string) => `check-source/${requestId}`,
  evaluate: (evaluationId: string) => `evaluation/${evaluationId}`,
  /** Once for a conversation and its last message. */
  learnMemory: (conversationId: string, upToSequence: number) => `learn-memory/${conversationId}/${upToSequence}`,
  deliverWebhook: (deliveryId: string) => `delivery/${deliveryId}`,
  proposeCases: (proposalId: string) => `case-proposal/${proposalId}`,
  /** Of the schedule, and with the time behind it of each run that it starts. */
  requestSync: (knowledgeSourceId: string) => `sync-schedule/${knowledgeSourceId}`,
} as const;

/** Update, signal and query names of the conversation's entity workflow. Every handler only appends and returns at once. */
export const conversationMessages = {
  submitTurn: 'submitTurn',
  cancelTurn: 'cancelTurn',
  decideCall: 'decideCall',
  endRest: 'endRest',
  status: 'status',
} as const;

/**
 * Argument of the `conversation` workflow. `queue` and `cancels` are carried over by continue-as-new, which happens when
 * Temporal suggests it and, at the latest, after `turnsPerRun` turns.
 */
export type ConversationInput = {
  workspaceId: string;
  conversationId: string;
  agentId: string;
  queue?: QueuedTurn[];
  cancels?: string[];
  turnsPerRun?: number;
};

/** One turn waiting in a conversation's queue: ids only, the text is in Postgres. `trace` is the request's traceparent. */
export type QueuedTurn = { turnId: string; trace?: string };

/** Argument of the activities that serve a turn. */
export type TurnInput = { workspaceId: string; conversationId: string; turnId: string };

/**
 * Argument of the activity that asks the model; `tries`: how often it has tried before the turn rested, left out by workflows
 * that know of no rest.
 */
export type AnswerInput = TurnInput & { tries?: number };

/**
 * How an activity left a turn: at its end, with calls of tools to be served before the model is asked again, behind
 * other turns that came before and are to be served first, or with a model that is not to be called for `ms` milliseconds.
 */
export type TurnVerdict =
  | EndedTurn
  | { state: 'resting'; ms: number; code: string; tries: number }
  | { state: 'tools'; step: number; calls: OpenCall[] }
  | { state: 'behind'; turnIds: string[] };

/** How a turn ended; `gone` if its row was deleted. `wantsTitle`: its conversation is to get a title now. */
export type EndedTurn = { state: 'completed' | 'failed' | 'cancelled' | 'gone'; wantsTitle?: true };

/**
 * A call of a tool that has no result yet. `wait` says for what of a person: an approval until `expiresAt` (milliseconds
 * since the epoch), a review of an unknown outcome, or nothing.
 */
export type OpenCall = {
  callId: string;
  wait: 'approval' | 'review' | null;
  expiresAt: number | null;
  effect: 'read' | 'write';
  timeoutMs: number;
};

/** Argument of the activities that serve one call of a tool. */
export type CallInput = TurnInput & { callId: string };

/** How such an activity left the call: settled, or waiting for a person's review. */
export type CallVerdict = { state: 'settled' | 'needs_review' };

/** Why a turn ends without an answer of its own; `code` is one of contracts/errors.ts. */
export type TurnEnd = { state: 'failed' | 'cancelled'; code: string };

/** Argument of the `cancelTurn` update. */
export type CancelTurn = {
  turnId: string;
  /** Turns of the queue that have ended by their rows: they are served no more. */
  ended?: string[];
};

/** Argument of the `decideCall` update: a person has decided about a call of the turn, or settled it; its row tells how. */
export type DecideCall = { turnId: string; callId: string };

/** Argument of the `endRest` signal: a model of the turn was mended, so that it need not rest any longer. */
export type EndRest = { turnId: string };

/** Result of the `status` query. */
export type ConversationStatus = { running: string | null; queued: string[] };

/** Argument of the `ingestDocument` workflow. */
export type IngestDocumentInput = { workspaceId: string; documentId: string; generation: number };

/** Verdict of the `ingestDocument` workflow. */
export type IngestDocumentResult = { state: 'active' | 'failed' | 'abandoned' | 'cancelled'; chunks: number };

/** One generation of a document, as a batch names it. */
export type BatchedDocument = { documentId: string; generation: number };

/**
 * Argument of the `ingestBatch` workflow; with `returnsLeft`, who started it gives those that it leaves workflows of their
 * own.
 */
export type IngestBatchInput = { workspaceId: string; documents: BatchedDocument[]; returnsLeft?: true };

/**
 * Verdict of the `ingestBatch` workflow: how many documents it brought to be served, how many had ended otherwise or were
 * taken over meanwhile, and how many it left to workflows of their own; `returned` names them where they are to be started.
 */
export type IngestBatchResult = { active: number; gone: number; left: number; returned?: BatchedDocument[] };

/** Argument of the `syncSource` workflow; `full` lists the source, `items` fetches what was named. */
export type SyncSourceInput = {
  workspaceId: string;
  knowledgeSourceId: string;
  syncId: string;
  kind: 'full' | 'items';
};

/** Verdict of the `syncSource` workflow; the counts are in the sync's row. `gone`: ended or taken over meanwhile. */
export type SyncSourceResult = { state: 'completed' | 'failed' | 'cancelled' | 'gone' };

/** Argument of the `checkSource` workflow, and what it says. */
export type CheckSourceInput = { workspaceId: string; knowledgeSourceId: string };
export type CheckSourceResult = { ok: boolean; code: string | null; detail: string };

/** Argument of the `requestSync` workflow, by which a schedule asks for a sync. */
export type RequestSyncInput = { workspaceId: string; knowledgeSourceId: string };

/** Argument of the `indexModel` workflow, and what it did; `waitsForRows` says how many an IVFFlat index needs. */
export type IndexModelInput = { workspaceId: string; modelId: string };
export type IndexModelResult = { built: string[]; dropped: string[]; waitsForRows: number | null };

/** Argument of the `maintainIndexes` workflow: models after this one; none is given on the first run. */
export type MaintainIndexesInput = { after?: string; done?: number };

/** Argument of the `moveEmbeddings` workflow, and how it ended. `gone`: ended or taken over meanwhile. */
export type MoveEmbeddingsInput = { workspaceId: string; moveId: string };
export type MoveEmbeddingsResult = { state: 'completed' | 'failed' | 'cancelled' | 'gone' };

/** Argument of the `evaluate` workflow. `blocksPerRun` bounds the history of one run; a test makes it small. */
export type EvaluateInput = { workspaceId: string; evaluationId: string; blocksPerRun?: number };

/** Verdict of the `evaluate` workflow; the scores are in Postgres. `gone`: ended or taken over meanwhile. */
export type EvaluateResult = {
  state: 'completed' | 'failed' | 'cancelled' | 'gone';
  verdict: 'passed' | 'failed' | 'incomplete' | null;
};

/** What the `evaluate` workflow hands out: numbers of blocks with open items, and how the run is laid out. */
export type EvaluationLayout = {
  isOpen: boolean;
  /** In ascending order; block n holds the items from n × `itemsPerBlock`. */
  blocks: number[];
  itemsPerBlock: number;
  total: number;
  /** Items in work at once. */
  lanes: number;
  /** How many of them each lane of blocks has; runs that began before it was said have one in each of `lanes`. */
  atOnce?: number[];
  cases: number;
  repetitions: number;
  /** Names of the variants. */
  variants: string[];
  /** Whether conversations are to be held before anything is scored. */
  holdsTurns: boolean;
  /** Whether steps leave items alone that have no output. */
  scoringOnly: boolean;
};

/** Argument of the activity that does a block: the items from `from`, and before `to`. */
export type EvaluateBlockInput = {
  workspaceId: string;
  evaluationId: string;
  from: number;
  to: number;
  /** Items in work at once; one unless given. */
  atOnce?: number;
  /** Leaves items alone that have no output yet. */
  scoringOnly: boolean;
};

/** Argument of the `proposeCases` workflow, and how it ended. `gone`: ended or taken over meanwhile. */
export type ProposeCasesInput = { workspaceId: string; proposalId: string };
export type ProposeCasesResult = { state: 'completed' | 'failed' | 'cancelled' | 'gone' };

/** What the `proposeCases` workflow hands out: numbers of open passages, block by block. */
export type ProposalLayout = { isOpen: boolean; blocks: number[][] };

/** Argument of the activity that asks about the passages of a block. */
export type ProposeBlockInput = ProposeCasesInput & { ordinals: number[] };

/** Argument of the `deliverWebhook` workflow, and how it ended. `gone`: deleted meanwhile. */
export type DeliverWebhookInput = { workspaceId: string; deliveryId: string };
export type DeliverWebhookResult = { state: 'delivered' | 'dead' | 'gone' };

/** Argument of the `learnMemory` workflow: a conversation that has come to rest, and the last message that it takes in. */
export type LearnMemoryInput = { workspaceId: string; conversationId: string; upToSequence: number };

/**
 * Verdict of the `learnMemory` workflow and of its steps, with the version of the memory that was written. `found`: there
 * is something to be compared with the memory; `gone`: ended or taken over meanwhile, or the user was forgotten.
 */
export type LearnedVerdict = { state: 'found' | 'learned' | 'nothing' | 'gone'; version: number | null };

/** What the `condenseMemories` workflow did with memories over their cap. */
export type CondensedMemories = { condensed: number; cut: number; left: number; failed: number };

/** Argument of the `retainData` workflow: a dry run counts what is expired and deletes nothing. */
export type RetainDataInput = { dryRun: boolean };
