import type { TokenUsage } from './chat-model.ts';

/**
 * Runs one paid call of a model: whoever gives it books the call, keeps the model's pace and settles its usage. The id that
 * `call` gets names the call for ever, also in the provider's log.
 */
export type PaidCall = <T>(
  call: (callId: string | undefined) => Promise<{ value: T; usage: TokenUsage }>,
) => Promise<T>;
