import OpenAI from 'openai';

import { createHttpFetch } from './http-fetch.ts';

/** Where and as whom the OpenAI protocol is spoken. */
export interface OpenAiConnection {
  /** The base address, which usually ends in `/v1`; null means OpenAI itself. */
  readonly endpoint: string | null;
  /** Null sends no credentials, as servers on one's own machine allow. */
  readonly apiKey: string | null;
  /** Milliseconds without a byte, before the first and between two, after which a request is cut. */
  readonly firstByteTimeoutMs: number;
  readonly stallTimeoutMs: number;
}

/** The address of OpenAI's own API. */
export const openAiEndpoint = 'https://api.openai.com/v1';

/**
 * Makes an SDK client that sends one HTTP request per call and reads nothing from the environment. Retries belong to
 * the caller, which can wait durably.
 */
export function createOpenAiClient(connection: OpenAiConnection): OpenAI {
  return new OpenAI({
    baseURL: connection.endpoint ?? openAiEndpoint,
    // The SDK insists on a key; the header is taken away again below.
    apiKey: connection.apiKey ?? 'none',
    defaultHeaders: connection.apiKey === null ? { Authorization: null } : {},
    organization: null,
    project: null,
    webhookSecret: null,
    adminAPIKey: null,
    maxRetries: 0,
    logLevel: 'off',
    fetch: createHttpFetch(connection),
  });
}
