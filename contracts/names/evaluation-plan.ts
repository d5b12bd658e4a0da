/** A model as a run was asked to use it. */
export type PlannedModel = { id: string; name: string; provider: string; modelId: string; updatedAt: string };

/** A row by id, with what tells that it has changed since. */
export type PlannedReference = { id: string; name: string; version: string };

/** One variant with everything that decides what it answers. */
export type PlannedVariant = {
  name: string;
  agent: PlannedReference | null;
  ragTool: PlannedReference | null;
  retrievalTool: PlannedReference | null;
  template: PlannedReference | null;
  model: PlannedModel | null;
  /** `headersSealed` is sealed JSON of the headers. */
  endpoint: { url: string; headersSealed: string | null; answer: string; contexts: string | null } | null;
  instructions: string | null;
  temperature: number | null;
  maxTokens: number | null;
  /** Parameters of the search, as `POST /search` takes them. */
  search: Record<string, unknown>;
};

/** What a run measures, as it was when it was asked for; kept in `evaluations.target`. */
export type EvaluationPlan = {
  name: string;
  variants: PlannedVariant[];
  judge: PlannedModel | null;
  judgeEmbedding: PlannedModel | null;
};

/** A metric by its name, with the label under which its scores are kept. */
export type PlannedMetric = { label: string; name: string; parameters: Record<string, unknown> };

/** How a run measures; kept in `evaluations.configuration`. */
export type EvaluationConfiguration = {
  metrics: PlannedMetric[];
  gates: Record<string, unknown>[];
  repetitions: number;
  seed: number;
  lanes: number;
  rate: number | null;
  patience_seconds: number;
  user: string | null;
  tags: string[];
  limit: number | null;
};

/** The most items, cases by variants by repetitions, of one run. */
export const mostItems = 200_000;

/** What a proposal of cases asks for, as it was when it was asked for; kept in `case_proposals.configuration`. */
export type ProposalConfiguration = {
  model: PlannedModel;
  /** The most questions of one passage. */
  questions: number;
  /** What the questions should be about or like, in the words of the person. */
  instructions: string | null;
  tags: string[];
  patience_seconds: number;
};

/** So many passages are asked about by one step. */
export const passagesPerBlock = 5;
