import { isSpanContextValid, trace } from '@opentelemetry/api';
import type { Logger as TemporalLogger, LogLevel, LogMetadata } from '@temporalio/common';
import { pino, stdTimeFunctions } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import { errorCode } from './telemetry/error-code.ts';

export type { Logger } from 'pino';

const secretFields = ['authorization', 'apiKey', 'api_key', 'password', 'secret', 'token', 'connection_string'];
const secretSettings = ['DATABASE_URL', 'PERDURE_SECRET_KEY', 'OPENAI_API_KEY', 'TEMPORAL_API_KEY'];

const secretTexts: readonly (readonly [RegExp, string])[] = [
  [/\b(pk_|sk-)[\w-]{8,}/g, '$1[redacted]'],
  [/\b([a-z][a-z+.-]*:\/\/[^\s:/@"]*):[^\s@"]+@/g, '$1:[redacted]@'],
  [/\b(Bearer|Basic) [\w.~+/=-]{8,}/gi, '$1 [redacted]'],
];

/**
 * A logger that writes one JSON object a line to standard output, with the trace and span it was called in.
 * Fields named like secrets and texts that look like one (API keys, passwords in addresses) are redacted.
 */
export function createLogger(
  { name, level }: { name: string; level: string },
  destination: DestinationStream = pino.destination({ dest: 1, sync: true }),
): Logger {
  return pino(
    {
      level,
      base: { name },
      timestamp: stdTimeFunctions.isoTime,
      messageKey: 'message',
      formatters: { level: (label) => ({ level: label }) },
      mixin: traceFields,
      serializers: { err: (error) => errorFields(error), error: (error) => errorFields(error) },
      redact: {
        paths: [...secretFields, ...secretSettings].flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
        censor: '[redacted]',
      },
      hooks: { streamWrite: withoutSecrets },
    },
    destination,
  );
}

/** Gives Temporal's own messages, of the SDK and of its core, to `logger`. */
export function temporalLogger(logger: Logger): TemporalLogger {
  const log = (level: LogLevel, message: string, meta: LogMetadata = {}): void => {
    const fields = Object.fromEntries(Object.entries(meta).filter(([field]) => !unwantedFields.has(field)));
    // The SDK's own reports of its states say nothing to an operator, nor that a queue is for activities alone; what
    // activities and workflows log does.
    const isState = level === 'INFO' || message.startsWith('No workflows registered');
    const own = isState && (meta.sdkComponent === 'worker' || meta.sdkComponent === 'core');
    logger[own ? 'debug' : pinoLevels[level]](fields, message);
  };
  return {
    log,
    trace: (message, meta) => log('TRACE', message, meta),
    debug: (message, meta) => log('DEBUG', message, meta),
    info: (message, meta) => log('INFO', message, meta),
    warn: (message, meta) => log('WARN', message, meta),
    error: (message, meta) => log('ERROR', message, meta),
  };
}

const pinoLevels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** What workflows may put beside a message that an operator cannot use, or that may hold personal data. */
const unwantedFields = new Set(['memo', 'searchAttributes', 'typedSearchAttributes', 'timestampNanos', 'taskToken']);

/** Name, code, message and stack, of the causes too; no other field: a driver's error carries the row's values. */
function errorFields(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return error;
  const cause = depth < 4 && error.cause !== undefined ? { cause: errorFields(error.cause, depth + 1) } : {};
  return { name: error.name, code: errorCode(error), message: error.message, stack: error.stack, ...cause };
}

function traceFields(): Record<string, string> {
  const span = trace.getActiveSpan()?.spanContext();
  return span && isSpanContextValid(span) ? { trace_id: span.traceId, span_id: span.spanId } : {};
}

function withoutSecrets(line: string): string {
  return secretTexts.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), line);
}
