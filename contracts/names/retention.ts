/** For how many days each kind of thing is kept once it has ended or was deleted; null is for ever. */
export const defaultRetention = {
  turn_events: 30,
  deleted_documents: 30,
  deleted_conversations: 30,
  deleted_evaluations: 30,
  evaluation_histories: 365,
  audit_log: null,
  maintenance_reports: 90,
  memory_lessons: 90,
  webhook_deliveries: 90,
  usage_rows: null,
} as const satisfies Record<string, number | null>;

export type RetainedKind = keyof typeof defaultRetention;

/** Days by kind; null is for ever. */
export type RetentionPolicy = Readonly<Record<RetainedKind, number | null>>;
