import type { GivenCase } from '../../contracts/evaluation-case.ts';
import type { ProposalKey } from '../../entities/evaluations/case-proposal-repository.ts';
import type { EvaluationKey } from '../../entities/evaluations/evaluation-repository.ts';

/** A metric as it was chosen, and which models it needs. */
export type ChosenMetric = {
  label: string;
  name: string;
  parameters: Record<string, unknown>;
  needsJudge: boolean;
  needsEmbedding: boolean;
};

/** What the API needs of evaluations that lies outside of its folder; platform/evaluation-desk.ts makes it. */
export interface EvaluationDesk {
  /** All cases of a file, or none. @throws PerdureError `bad_request` with the line of each mistake. */
  readCaseFile(file: { bytes: Uint8Array; name: string | null; mediaType: string | null }): {
    cases: GivenCase[];
    format: string;
  };
  readMetric(given: unknown): { metric: ChosenMetric } | { mistakes: readonly string[] };
  readGate(given: unknown): { gate: Record<string, unknown> } | { mistakes: readonly string[] };
  /** The metrics that there are, for whoever looks for one. */
  listMetrics(): Array<{
    name: string;
    title: string;
    kind: string;
    source: string;
    parameters: Record<string, unknown>;
  }>;
  /** A report of a run as text, compared with `baselineId` or else with its own baseline. */
  report(
    key: EvaluationKey,
    options: { format: 'json' | 'csv' | 'junit' | 'markdown'; baselineId: string | null },
  ): Promise<{ mediaType: string; text: string }>;
  /** The JSON of a history that was kept. */
  unpackHistory(packed: Uint8Array): string;
  /** Starts the workflow of a run; gives up after a few seconds, for a sweep comes after it. */
  start(key: EvaluationKey): Promise<void>;
  cancel(key: EvaluationKey): Promise<void>;
  /** As `start` and `cancel`, for a proposal of cases. */
  startProposal(key: ProposalKey): Promise<void>;
  cancelProposal(key: ProposalKey): Promise<void>;
}
