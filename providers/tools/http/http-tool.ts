import type { ApiToolConfiguration, ToolCredentials } from '../../../contracts/tool-configuration.ts';
import { FetchError } from '../../fetch/fetch-error.ts';
import type { GuardedFetch } from '../../fetch/guarded-fetch.ts';
import { ToolError } from '../../tool-error.ts';
import type { Tool, ToolDefinition } from '../../tool.ts';
import { buildRequest } from './build-request.ts';
import { readAnswer } from './read-answer.ts';

// Read to its end as far as this, so that a result that is cut says how long it was.
const mostRead = 8 * 1024 * 1024;
const redirectsOfReads = 5;

/** What a tool that calls an API is made of; the credentials are in the clear. */
export interface HttpToolParts {
  readonly definition: ToolDefinition;
  readonly configuration: ApiToolConfiguration;
  readonly credentials: ToolCredentials | null;
}

/**
 * A tool that calls another service by HTTP. Each run is one request, which a write sends with the call's id as
 * `Idempotency-Key`; only reads follow redirects, and each is checked like the first address.
 */
export function createHttpTool(parts: HttpToolParts, fetch: GuardedFetch): Tool {
  const { definition, configuration, credentials } = parts;
  return {
    definition,
    async run(args, { callId, signal }) {
      signal.throwIfAborted();
      const request = buildRequest(configuration, credentials, args, definition.effect === 'write' ? callId : null);
      let isSent = false;
      try {
        const response = await fetch({
          ...request,
          signal,
          timeoutMs: definition.timeoutMs,
          maxRedirects: definition.effect === 'read' ? redirectsOfReads : 0,
          maxBytes: mostRead,
          cutsBody: true,
          onSend: () => {
            isSent = true;
          },
        });
        return readAnswer(response, credentials, definition.maxResultBytes);
      } catch (error) {
        if (error instanceof ToolError) throw error;
        if (signal.aborted && !isSent) throw signal.reason;
        throw toToolError(error, isSent, signal.aborted);
      }
    },
  };
}

/** Before a connection stood nothing can have happened; after it anything can, whatever went wrong. */
function toToolError(error: unknown, isSent: boolean, isAborted: boolean): ToolError {
  const outcome = isSent ? 'unknown' : 'not_started';
  if (isAborted)
    return new ToolError('tool_outcome_unknown', 'The call was stopped while the service worked on it.', { outcome });
  if (!(error instanceof FetchError))
    return new ToolError('tool_unavailable', 'The service could not be called.', { outcome });
  const { code, detail, retryable, retryAfterMs } = error;
  return new ToolError(code, detail, { outcome, retryable, retryAfterMs });
}
