/** An embedded server cannot run here; the message is one paragraph for the operator, with the way out. */
export class EmbeddedServerError extends Error {
  override name = 'EmbeddedServerError';
}
