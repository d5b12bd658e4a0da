/** Largest workflow argument, result or failure that a guard lets through, in bytes of JSON. */
export const maxPayloadBytes = 256 * 1024;

/** Largest document that can be uploaded, in bytes. */
export const maxDocumentBytes = 32 * 1024 * 1024;

/** Largest JSON body of a request other than an upload, in bytes. */
export const maxJsonBodyBytes = 1024 * 1024;

/** Size of one row of `blobs`, in bytes. */
export const blobPartBytes = 1024 * 1024;

/** Longest user message, in characters. */
export const maxMessageCharacters = 100_000;

/** Channel on which a process is woken when rows of `turn_events` were committed; the payload is the turn's id. */
export const turnsChannel = 'perdure_turns';

/** Channel on which a process is woken when a document's or job's state changed; the payload is the document's id. */
export const documentsChannel = 'perdure_documents';

/** Channel on which a process is woken when an evaluation has come further; the payload is its id. */
export const evaluationsChannel = 'perdure_evaluations';

/** Largest result of a tool that is kept at all, in bytes; what is larger than a tool's own limit is cut to that. */
export const maxToolResultBytes = 1024 * 1024;

/**
 * For how long a call of a tool waits for its approval before that becomes a denial, unless the tool says otherwise: 30
 * days, in milliseconds.
 */
export const approvalMs = 30 * 86_400_000;

/** The longest such wait that a tool may ask for, in seconds: 90 days. */
export const mostApprovalSeconds = 90 * 86_400;
