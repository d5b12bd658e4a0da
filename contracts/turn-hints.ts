import type { ErrorCode } from './errors.ts';

const mendModel =
  "Mend the model (PATCH /models/{id}) or change the agent's, then retry the turn (POST /turns/{id}/retry).";
const retryLater = 'Retry the turn (POST /turns/{id}/retry); fallback_models of the agent let another model step in.';
const shorten =
  'Begin a new conversation, shorten the message or the system prompt, lower max_tokens of the agent, or give it a model ' +
  'with a larger window (contextWindow) in fallback_models; then retry the turn.';

const hints: Partial<Record<ErrorCode, string>> = {
  internal: "Retry the turn; if it fails again, look at the worker's log.",
  unavailable: 'Retry the turn (POST /turns/{id}/retry).',
  payload_too_large: 'Ask for less, or have the tools of the agent give less (max_result_bytes).',
  prompt_too_long: shorten,
  prompt_variable_missing:
    "Set the variable in the conversation's metadata, or give it a default; then retry the turn.",
  unknown_model: 'Switch on a model of the agent (PATCH /models/{id}) or give it another, then retry the turn.',
  provider_authentication: mendModel,
  provider_content_filter: "Edit the message, or give the agent another provider's model.",
  provider_context_length: shorten,
  provider_insufficient_quota: 'Top up the account at the provider, then retry the turn.',
  provider_invalid_request:
    'The provider does not take what the agent sends, such as its temperature or max_tokens: change the agent, then retry the turn.',
  provider_malformed_response: mendModel,
  provider_model_not_found: mendModel,
  provider_rate_limited: retryLater,
  provider_timeout: retryLater,
  provider_unavailable: retryLater,
};

/** What to do about a model for which a turn waits. */
export const restHint =
  'Change the model (PATCH /models/{id}) if it is at fault; if it works again, POST /models/{id}/resume ends the wait at once.';

/** What to do about a turn that failed with this code, in a sentence or two; null where the code says it all. */
export function turnHintOf(code: string): string | null {
  return hints[code as ErrorCode] ?? null;
}
