import type { ValueSchema } from './value-schema.ts';

/** A call of a tool, with its arguments as a value. */
export type ObservedToolCall = { readonly name: string; readonly arguments: unknown };

/** One passage that the target gave its model. */
export type ContextPassage = { readonly documentId: string; readonly chunkIndex: number; readonly text: string };

/** What a metric may look at: the case, and what the target made of it. */
export type MetricInput = {
  /** Of a conversation, its last user message. */
  readonly question: string;
  /** What was said before the answer, the question included. */
  readonly messages: readonly { readonly role: 'user' | 'assistant'; readonly content: string }[];
  /** Null when the target gave none; an empty text is an answer. */
  readonly answer: string | null;
  readonly expectedAnswer: string | null;
  /** Further right answers; the best match counts. */
  readonly alternativeAnswers: readonly string[];
  /** Best first. */
  readonly contexts: readonly ContextPassage[];
  /** Keys of documents or chunks, best first; of doubles the first counts. */
  readonly ranked: readonly string[];
  /** What is relevant, with grades above 0; empty when the case does not say. */
  readonly relevant: readonly { readonly key: string; readonly grade: number }[];
  readonly toolCalls: readonly ObservedToolCall[];
  /** Null when the case does not say; empty when no tool shall be called. */
  readonly expectedToolCalls: readonly ObservedToolCall[] | null;
  readonly isUnanswerable: boolean;
  readonly latencyMs: number | null;
  readonly cost: number | null;
  readonly metadata: Readonly<Record<string, unknown>>;
};

/** A message to a judge. */
export type JudgeMessage = { readonly role: 'system' | 'user' | 'assistant'; readonly content: string };

/** A judge is asked; the reply's text shall be JSON that fits `schema`, which the messages hold too. */
export type ModelCall = {
  readonly kind: 'model';
  /** What for, in a few words without content. */
  readonly purpose: string;
  readonly messages: readonly JudgeMessage[];
  readonly schema: ValueSchema;
  readonly schemaName: string;
  readonly maxTokens: number;
  readonly temperature: 0;
};

/** Embeddings of texts, in their order. */
export type EmbeddingCall = { readonly kind: 'embedding'; readonly purpose: string; readonly texts: readonly string[] };

/** Whether a regular expression, which may never end, matches: to be run in a time box. */
export type PatternCheck = {
  readonly kind: 'pattern';
  readonly pattern: string;
  readonly flags: string;
  readonly text: string;
};

/** Whether a value fits a JSON Schema: to be run in a time box. */
export type SchemaCheck = {
  readonly kind: 'schema';
  readonly schema: Readonly<Record<string, unknown>>;
  readonly value: unknown;
};

/** A metric that somebody else computes: `body` is posted as JSON. */
export type EndpointCall = {
  readonly kind: 'endpoint';
  readonly purpose: string;
  readonly url: string;
  readonly body: unknown;
};

/** What a metric asks for while it judges. */
export type MetricRequest = ModelCall | EmbeddingCall | PatternCheck | SchemaCheck | EndpointCall;

/** What the request got. `failed` says that whoever drives the metric has given up. */
export type MetricReply =
  | { readonly state: 'answered'; readonly text: string }
  | { readonly state: 'embedded'; readonly vectors: readonly (readonly number[])[] }
  | { readonly state: 'checked'; readonly mistakes: readonly string[] }
  | { readonly state: 'failed'; readonly reason: string };

/**
 * Why a score is missing. `unusable` is how many of the last replies could not be used: whoever tries again must ask for
 * those anew, since kept ones would lead to the same end.
 */
export type Unscored = { readonly state: 'unscored'; readonly reason: string; readonly unusable?: number };

/** A score, or why there is none: `unscored` should have one, `not_applicable` has no meaning for the case. */
export type Score =
  | {
      readonly state: 'scored';
      readonly score: number;
      readonly reason?: string;
      readonly details?: Readonly<Record<string, unknown>>;
    }
  | Unscored
  | { readonly state: 'not_applicable'; readonly reason: string };

/** A metric at work: yields what it asks for, gets the replies, returns the score. The same replies lead to the same requests. */
export type Judging = Generator<MetricRequest, Score, MetricReply>;

/** The parameters of a metric as they were checked, defaults filled in. */
export type MetricParameters = Readonly<Record<string, unknown>>;

/** The least and the greatest score; null where there is no greatest. */
export type ScoreRange = readonly [least: number, greatest: number | null];

export type MetricKind = 'text' | 'retrieval' | 'operations' | 'embedding' | 'judge' | 'custom';

/** A model that a run names for its metrics: one that judges, or one that embeds. */
export type MetricModel = 'judge' | 'embedding';

/** One metric. */
export type Metric = {
  /** With `@k` where its parameter `k` may be written into the name. */
  readonly name: string;
  readonly title: string;
  readonly kind: MetricKind;
  /** The models that it calls, by its parameters; none unless it says so. */
  readonly asks?: (parameters: MetricParameters) => readonly MetricModel[];
  /** From the parameters where they decide it. */
  readonly range: (parameters: MetricParameters) => ScoreRange;
  readonly higherIsBetter: (parameters: MetricParameters) => boolean;
  /** Without these there is nothing to judge. */
  readonly needs: readonly (keyof MetricInput)[];
  readonly parameters: Readonly<Record<string, ValueSchema>>;
  /** Parameters without which the metric cannot be used. */
  readonly required: readonly string[];
  /** Where its definition comes from. */
  readonly source: string;
  readonly judge: (input: MetricInput, parameters: MetricParameters) => Judging;
};

/** A metric as a run uses it. `label` names its results. */
export type MetricChoice = {
  readonly label: string;
  readonly metric: Metric;
  readonly parameters: MetricParameters;
};

/** A judge and nobody else. */
export const asksJudge = (): readonly MetricModel[] => ['judge'];

/** From 0 to 1, as most metrics are. */
export const unitRange = (): ScoreRange => [0, 1];

/** Most metrics are better when they are higher. */
export const higherIsBetter = (): boolean => true;

/** The models without which a metric cannot be used as it was chosen. */
export function modelsOf({ metric, parameters }: Pick<MetricChoice, 'metric' | 'parameters'>): readonly MetricModel[] {
  return metric.asks?.(parameters) ?? [];
}
