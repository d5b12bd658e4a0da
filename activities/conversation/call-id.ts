import { v5 } from 'uuid';

const callNamespace = '6b1f3e1c-5f0e-4f6a-9d0a-0f6c1f7a2b11';

/** The id of one paid call: the same turn, step and attempt always give the same UUIDv5, on any machine. */
export function callIdOf(turnId: string, step: number, attempt: number): string {
  return v5(`${turnId}/${step}/${attempt}`, callNamespace);
}

/** The id of a turn's final message: a commit that is repeated meets its own row. */
export function answerIdOf(turnId: string): string {
  return v5(`${turnId}/answer`, callNamespace);
}
