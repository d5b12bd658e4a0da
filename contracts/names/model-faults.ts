/** A call of a model that failed in a turn, as `turns.model_faults` keeps it; `code` is one of contracts/errors.ts. */
export type ModelFault = {
  step: number;
  attempt: number;
  model_id: string;
  model: string;
  code: string;
  /** Whether the same model may do better in the same turn. */
  retryable: boolean;
  /** ISO 8601. */
  at: string;
};

/** A model that may answer a turn: the agent's own or one of its fallbacks. */
export type ModelCandidate = {
  id: string;
  name: string;
  /** Whether it is there and switched on. */
  isUsable: boolean;
  /** Tokens. */
  contextWindow: number;
  /** Whether it has failed so often in a row that only one turn at a time may try it. */
  isTripped: boolean;
  /** For how long nobody may call it for that reason, or may not because another turn tries it; milliseconds. */
  circuitMs: number;
  /** For how long its provider has asked for no calls; milliseconds. */
  pauseMs: number;
};
