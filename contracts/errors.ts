/**
 * The one table of error codes: HTTP status, whether the same call may succeed later, and the title of the problem.
 * Activities throw `ApplicationFailure` with `type: code`; the API renders `application/problem+json` from it.
 */
export const errorTable = {
  bad_request: { status: 400, retryable: false, title: 'The request is not valid' },
  invalid_filter: { status: 422, retryable: false, title: 'The filter of the search is not valid' },
  malformed_json: { status: 400, retryable: false, title: 'The body is not valid JSON' },
  unauthenticated: { status: 401, retryable: false, title: 'A valid API key is needed' },
  forbidden: { status: 403, retryable: false, title: 'The API key does not allow this' },
  not_found: { status: 404, retryable: false, title: 'There is no such resource' },
  method_not_allowed: { status: 405, retryable: false, title: 'The method is not allowed here' },
  conversation_busy: { status: 409, retryable: true, title: 'The conversation is at work' },
  conflict: { status: 409, retryable: false, title: 'The request conflicts with the current state' },
  idempotency_conflict: { status: 409, retryable: false, title: 'The idempotency key was used for another request' },
  request_in_progress: { status: 409, retryable: true, title: 'The same request is still in progress' },
  body_too_large: { status: 413, retryable: false, title: 'The body is too large' },
  unsupported_media_type: { status: 415, retryable: false, title: 'The content type is not supported' },
  document_empty: { status: 422, retryable: false, title: 'The document has no text' },
  document_binary: { status: 422, retryable: false, title: 'The document is binary, not text' },
  document_encrypted: { status: 422, retryable: false, title: 'The document is encrypted' },
  document_corrupt: { status: 422, retryable: false, title: 'The document is damaged' },
  no_text_layer: { status: 422, retryable: false, title: 'The document shows text only as images' },
  parser_timeout: { status: 422, retryable: false, title: 'Reading the document took too long' },
  parser_out_of_memory: { status: 422, retryable: false, title: 'Reading the document took too much memory' },
  parser_output_too_large: { status: 422, retryable: false, title: 'The document unpacks to too much' },
  parser_crashed: { status: 422, retryable: false, title: 'The parser died while it read the document' },
  document_deleted: { status: 409, retryable: false, title: 'The document was deleted' },
  unknown_model: { status: 422, retryable: false, title: 'There is no such model' },
  budget_exhausted: { status: 402, retryable: false, title: 'A budget is used up' },
  rate_limited: { status: 429, retryable: true, title: 'Too many requests' },
  over_capacity: { status: 503, retryable: true, title: 'The service is over its capacity' },
  unavailable: { status: 503, retryable: true, title: 'A part of the service cannot be reached' },
  internal: { status: 500, retryable: false, title: 'Something went wrong on our side' },
  payload_too_large: { status: 413, retryable: false, title: 'A step produced too much data' },
  fenced: { status: 409, retryable: false, title: 'Another attempt has taken over' },
  restarted_too_often: { status: 500, retryable: true, title: 'The work was ended from outside, again and again' },
  cancelled: { status: 409, retryable: false, title: 'The work was cancelled' },
  verification_failed: { status: 500, retryable: true, title: 'The stored chunks do not match what was expected' },
  prompt_variable_missing: { status: 422, retryable: false, title: 'A variable of a prompt template has no value' },
  prompt_too_long: { status: 422, retryable: false, title: 'Instructions and question do not fit into the model' },
  provider_rate_limited: { status: 503, retryable: true, title: 'The model provider is limiting requests' },
  provider_unavailable: { status: 503, retryable: true, title: 'The model provider cannot be reached' },
  provider_timeout: { status: 504, retryable: true, title: 'The model provider did not answer in time' },
  provider_authentication: { status: 502, retryable: false, title: 'The model provider refused the credentials' },
  provider_invalid_request: { status: 502, retryable: false, title: 'The model provider refused the request' },
  provider_context_length: { status: 422, retryable: false, title: 'The conversation is too long for the model' },
  provider_content_filter: { status: 422, retryable: false, title: 'The model provider filtered the content' },
  provider_insufficient_quota: {
    status: 502,
    retryable: false,
    title: 'The account at the model provider has no quota left',
  },
  provider_model_not_found: { status: 502, retryable: false, title: 'The model provider does not know the model' },
  provider_malformed_response: {
    status: 502,
    retryable: true,
    title: 'The model provider answered in an unknown form',
  },
  address_forbidden: { status: 422, retryable: false, title: 'The address may not be reached from here' },
  address_invalid: { status: 422, retryable: false, title: 'The address cannot be fetched' },
  fetch_not_found: { status: 422, retryable: false, title: 'There is nothing at the address' },
  fetch_refused: { status: 422, retryable: false, title: 'The server refused the request' },
  fetch_failed: { status: 502, retryable: true, title: 'The server could not be reached' },
  fetch_timeout: { status: 504, retryable: true, title: 'The server did not answer in time' },
  fetch_too_large: { status: 422, retryable: false, title: 'The answer of the server is too large' },
  fetch_too_many_redirects: { status: 422, retryable: false, title: 'The server redirects too often' },
  fetch_malformed: { status: 502, retryable: true, title: 'The answer of the server cannot be read' },
  source_configuration: { status: 422, retryable: false, title: 'The configuration of the source does not work' },
  source_authentication: { status: 422, retryable: false, title: 'The source refused the credentials' },
  source_unavailable: { status: 502, retryable: true, title: 'The source cannot be read' },
  source_shrunk: { status: 409, retryable: false, title: 'The source holds suspiciously little' },
  source_incomplete: { status: 409, retryable: false, title: 'The source could be listed only in part' },
  tool_arguments: { status: 422, retryable: false, title: 'The tool cannot be called with these arguments' },
  tool_unavailable: { status: 503, retryable: true, title: 'The service behind the tool cannot be called now' },
  tool_outcome_unknown: { status: 502, retryable: true, title: 'Nobody knows whether the tool did its work' },
  tool_failed: { status: 502, retryable: false, title: 'The tool could not do its work' },
  memory_too_long: { status: 422, retryable: false, title: 'The memory has more tokens than its cap' },
  sync_interrupted: { status: 409, retryable: true, title: 'The sync ended before its time' },
} as const;

export type ErrorCode = keyof typeof errorTable;

/** A failure with a code of the table; `detail` says what is wrong, where, and what to do, and is safe to show. */
export class PerdureError extends Error {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly fields: Record<string, unknown>;

  constructor(code: ErrorCode, detail: string, fields: Record<string, unknown> = {}) {
    super(detail);
    this.name = 'PerdureError';
    this.code = code;
    this.detail = detail;
    this.fields = fields;
  }
}
