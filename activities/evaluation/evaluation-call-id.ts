import { v5 } from 'uuid';

const callNamespace = 'f6f6c7f0-2f0b-4d3c-9f43-6a1c2c9b7f52';

/** The id of the call by which an attempt makes an item's output. */
export function targetCallId(evaluationId: string, ordinal: number, attempt: number): string {
  return v5(`${evaluationId}/${ordinal}/target/${attempt}`, callNamespace);
}

/** The id of a metric's call, by its place in what the metric asks. */
export function metricCallId(
  evaluationId: string,
  ordinal: number,
  call: { metric: string; position: number; attempt: number },
): string {
  return v5(`${evaluationId}/${ordinal}/${call.metric}/${call.position}/${call.attempt}`, callNamespace);
}

/** The id of the conversation in which an item of an agent is held; another attempt holds another one. */
export function heldConversationId(evaluationId: string, ordinal: number, attempt: number): string {
  return v5(`${evaluationId}/${ordinal}/conversation/${attempt}`, callNamespace);
}

/** The id of the call number `position` by which an attempt has questions written for a passage. */
export function proposalCallId(
  { proposalId, ordinal, attempt }: { proposalId: string; ordinal: number; attempt: number },
  position: number,
): string {
  return v5(`${proposalId}/${ordinal}/passage/${attempt}/${position}`, callNamespace);
}
