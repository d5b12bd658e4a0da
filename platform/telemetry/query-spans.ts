import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Span } from '@opentelemetry/api';
import pg from 'pg';
import { errorCode } from './error-code.ts';
import { errorType } from './gen-ai-attributes.ts';

/** Statements that would only double the number of spans: they take no time and say nothing. */
const untraced = /^(?:begin|select set_config|start transaction|set |listen|unlisten)/i;

/**
 * Makes a span of each statement that runs inside another span, by wrapping `query` of the driver's client, which the
 * ORM and direct users share; the usual instrumentation hooks `require`, and misses ES modules.
 * Spans carry the operation and the table, never the statement's text or its values. Returns the way back.
 */
export function traceQueries(): () => void {
  const prototype = pg.Client.prototype as unknown as { query: (...args: unknown[]) => unknown };
  const { query } = prototype;
  prototype.query = function tracedQuery(this: pg.Client, ...args: unknown[]): unknown {
    const summary = trace.getActiveSpan()?.isRecording() ? summaryOf(args[0]) : undefined;
    if (summary === undefined) return query.apply(this, args);
    const span = trace.getTracer('perdure/sql').startSpan(summary.name, {
      kind: SpanKind.CLIENT,
      attributes: {
        'db.system.name': 'postgresql',
        'db.namespace': this.database ?? '',
        'db.operation.name': summary.operation,
        'db.query.summary': summary.name,
        ...(summary.target ? { 'db.collection.name': summary.target } : {}),
      },
    });
    return observed(span, query, this, args);
  };
  return () => {
    prototype.query = query;
  };
}

/** Operation and first table (or function) of a statement, such as `INSERT turn_events`; exported for its test. */
export function summarizeQuery(text: string): { name: string; operation: string; target?: string } {
  const statement = text.replace(/^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)+/, '');
  const first = /^[a-z]+/i.exec(statement)?.[0].toUpperCase() ?? 'SQL';
  const operation =
    first === 'WITH' ? (/\b(insert|update|delete)\b/i.exec(statement)?.[1]?.toUpperCase() ?? 'SELECT') : first;
  const searched = operation === 'SELECT' ? statement.replaceAll(/\bextract\s*\([^()]*\)/gi, '') : statement;
  const patterns = targetPatterns[operation] ?? selectPatterns;
  const target = patterns
    .map((pattern) => pattern.exec(searched)?.[1])
    .find(Boolean)
    ?.replaceAll('"', '');
  return target ? { name: `${operation} ${target}`, operation, target } : { name: operation, operation };
}

const identifier = String.raw`((?:"?[a-z_][\w$]*"?\.)?"?[a-z_][\w$]*"?)`;
const selectPatterns = [
  new RegExp(String.raw`\bfrom\s+(?:only\s+)?${identifier}`, 'i'),
  new RegExp(String.raw`^select\s+${identifier}\s*\(`, 'i'),
];
const targetPatterns: Record<string, RegExp[]> = {
  INSERT: [new RegExp(String.raw`\binsert\s+into\s+${identifier}`, 'i')],
  UPDATE: [new RegExp(String.raw`\bupdate\s+(?:only\s+)?${identifier}`, 'i')],
  DELETE: [new RegExp(String.raw`\bdelete\s+from\s+(?:only\s+)?${identifier}`, 'i')],
  SELECT: selectPatterns,
};

function summaryOf(statement: unknown): ReturnType<typeof summarizeQuery> | undefined {
  const text = typeof statement === 'string' ? statement : (statement as { text?: unknown } | null)?.text;
  // Cursors and streams have no text here, and end long after this call.
  if (typeof text !== 'string' || untraced.test(text)) return undefined;
  return summarizeQuery(text);
}

function observed(span: Span, query: (...args: unknown[]) => unknown, client: pg.Client, args: unknown[]): unknown {
  const callback = args.at(-1);
  if (typeof callback === 'function') {
    const parent = context.active();
    const settled = (error: unknown, result: unknown): void => {
      end(span, error ?? undefined);
      context.with(parent, () => Reflect.apply(callback, client, [error, result]));
    };
    return query.apply(client, [...args.slice(0, -1), settled]);
  }
  const result = query.apply(client, args);
  if (!(result instanceof Promise)) {
    span.end();
    return result;
  }
  return result.then(
    (rows: unknown) => {
      end(span, undefined);
      return rows;
    },
    (error: unknown) => {
      end(span, error);
      throw error;
    },
  );
}

function end(span: Span, error: unknown): void {
  if (error !== undefined) {
    span.setAttribute(errorType, errorCode(error));
    span.setStatus({ code: SpanStatusCode.ERROR, message: errorCode(error) });
  }
  span.end();
}
