import type { ErrorCode } from './errors.ts';

const sendAnother = "Send the document in a form that can be read; its new version takes this one's place.";
const retryLater = "Retry the document; if it fails again, look at the worker's log.";
const retryAfterMending = 'Mend the model (PATCH /models/{id}), then retry the document.';

const sendAddressAgain = 'Sync its source again, or send the address again.';

const hints: Partial<Record<ErrorCode, string>> = {
  document_empty: 'Nothing can be searched in it. Delete it, or send a version with text.',
  document_binary: 'Send a document with text: Office files, PDF, web pages, mail, data and source code are read.',
  document_encrypted: 'Retry it with its password, or send it without one.',
  document_corrupt: 'Open it in the program it was made with, save it anew, and send it again.',
  no_text_layer: 'Run text recognition (OCR) over it and send the result.',
  unsupported_media_type: sendAnother,
  parser_timeout: 'Split it, or save it in a simpler form, and send it again.',
  parser_out_of_memory: 'Split it, or save it in a simpler form, and send it again.',
  parser_output_too_large: 'Split it and send the parts.',
  parser_crashed: 'Save it anew or in another format, and send it again. Please report the file if you may share it.',
  body_too_large: 'Split it and send the parts.',
  cancelled: 'Retry the document to ingest it after all.',
  document_deleted: 'There is nothing to do.',
  fenced: 'There is nothing to do: a newer version took its place.',
  unknown_model: 'Register an embedding model with POST /models, then retry the document.',
  budget_exhausted:
    'Raise the budget, or wait for the next month: the document is then ingested again by itself, or when you retry it.',
  provider_rate_limited:
    "Raise the limit with the provider, or set requestsPerMinute in the model's capabilities; then retry.",
  provider_unavailable: "Check the model's endpoint, then retry the document.",
  provider_timeout: "Check the model's endpoint, then retry the document.",
  provider_authentication: retryAfterMending,
  provider_invalid_request: retryAfterMending,
  provider_context_length: 'Make chunk_size of the RAG tool smaller, then retry the document.',
  provider_content_filter: 'The provider refuses this text: use another embedding model for its source.',
  provider_insufficient_quota: 'Top up the account at the provider, then retry the document.',
  provider_model_not_found: retryAfterMending,
  provider_malformed_response: retryAfterMending,
  verification_failed: retryLater,
  restarted_too_often: retryLater,
  payload_too_large: retryLater,
  fetch_failed: sendAddressAgain,
  fetch_timeout: sendAddressAgain,
  fetch_malformed: sendAddressAgain,
  fetch_not_found: 'Correct the address. In a source there is nothing to do: the next sync settles it.',
  fetch_refused: 'Download the document and send it, or give its source the credentials that it needs.',
  fetch_too_many_redirects: 'Give the address to which it leads in the end, or tell whoever runs the server.',
  fetch_too_large: 'Split it and send the parts.',
  address_invalid:
    'Give an address of http or https without user and password; a source takes those as its credentials.',
  address_forbidden: 'Have an operator allow the address (PERDURE_FETCH_ALLOW), or download the document and send it.',
  source_unavailable: 'See that the source runs and that the workers can reach it, then sync it again.',
  source_authentication: 'Give the source new credentials (PATCH /knowledge-sources/{id}), then sync it again.',
  source_configuration: 'Mend the configuration (PATCH /knowledge-sources/{id}), then sync it again.',
  sync_interrupted: 'Sync the source again, or send the address again.',
  unavailable: retryLater,
  internal: retryLater,
};

/** What to do about a failure with this code, in a sentence; null where the code says it all. */
export function hintOf(code: string): string | null {
  return hints[code as ErrorCode] ?? null;
}
