import { createHash } from 'node:crypto';
import { v5 } from 'uuid';
import { canonicalJson } from '../../domain/turns/canonical-json.ts';

const callNamespace = '6b1f3e1c-5f0e-4f6a-9d0a-0f6c1f7a2b11';

/** The id of one paid call: the same turn, step and attempt always give the same UUIDv5, on any machine. */
export function callIdOf(turnId: string, step: number, attempt: number): string {
  return v5(`${turnId}/${step}/${attempt}`, callNamespace);
}

/** The id of a turn's final message: a commit that is repeated meets its own row. */
export function answerIdOf(turnId: string): string {
  return v5(`${turnId}/answer`, callNamespace);
}

/** The id of a call of a tool, by its place in the turn; tools that write send it as `Idempotency-Key`. */
export function toolCallIdOf(turnId: string, step: number, position: number): string {
  return v5(`${turnId}/${step}/tool/${position}`, callNamespace);
}

/** The id of the approval of a call. */
export function approvalIdOf(callId: string): string {
  return v5(`${callId}/approval`, callNamespace);
}

/** The id of a summary of a conversation up to a message. */
export function summaryIdOf(conversationId: string, upToMessageId: string, version: number): string {
  return v5(`${conversationId}/${upToMessageId}/${version}`, callNamespace);
}

/** What an approval is bound to: SHA-256, in hex, of the arguments as canonical JSON; of their text where they are none. */
export function hashArguments(given: Record<string, unknown> | string): string {
  return createHash('sha256')
    .update(typeof given === 'string' ? given : canonicalJson(given))
    .digest('hex');
}
