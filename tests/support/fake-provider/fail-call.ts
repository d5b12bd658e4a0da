import type { ServerResponse } from 'node:http';

import type { Failure } from './behaviour.ts';
import { settle } from './call-log.ts';
import type { LoggedCall } from './call-log.ts';

const resetDelayMs = 20;

/** Lets a call go wrong in the ordered way; before it, the response may have begun. */
export function failCall(response: ServerResponse, call: LoggedCall, failure: Failure): void {
  switch (failure.kind) {
    case 'status': {
      call.status = failure.status;
      settle(call, 'failed');
      const { status, code = null, message = 'The fake provider was told to fail.', headers = {} } = failure;
      response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': `req_${call.id}`, ...headers });
      response.end(JSON.stringify({ error: { message, type: code ?? 'fake_error', code, param: null } }));
      return;
    }
    case 'reset':
      settle(call, 'failed');
      // A reset throws away what the client has not read yet: let the tokens before it arrive.
      setTimeout(() => response.socket?.resetAndDestroy(), resetDelayMs);
      return;
    case 'stall':
      // The client is to leave; its leaving settles the call as aborted.
      return;
    case 'garbage':
      settle(call, 'failed');
      response.end(Buffer.from('data: {"choices":[{"delta":\u0000\u00ff\ufffd]]\n\ndata: <html>\n\n', 'latin1'));
      return;
    case 'truncate':
      settle(call, 'failed');
      response.end();
      return;
    case 'error-event': {
      settle(call, 'failed');
      const error = {
        message: 'The fake provider was told to fail.',
        type: 'server_error',
        code: failure.code ?? null,
      };
      response.end(`data: ${JSON.stringify({ error })}\n\n`);
    }
  }
}
