/** Custom search attributes of every workflow, all of type Keyword (SQL visibility allows ten). No personal data. */
export const searchAttributeNames = [
  'PerdureWorkspace',
  'PerdureAgent',
  'PerdureConversation',
  'PerdureDocument',
  'PerdureEvaluation',
  'PerdureStatus',
] as const;

export type SearchAttributeName = (typeof searchAttributeNames)[number];
