import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { AsyncLocalStorage, ContinueAsNew, getRandomStream, proxySinks } from '@temporalio/workflow';
import type { Sinks } from '@temporalio/workflow';

/** A finished span of a workflow, as it leaves the sandbox; times are the workflow's own, in milliseconds. */
export type WorkflowSpan = {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  traceFlags: number;
  startMs: number;
  endMs: number;
  /** The code of the failure that ended the span; its message stays inside. */
  errorType?: string;
};

/** The way out of the sandbox for spans; every worker registers it, also one that exports nothing. */
export interface TraceSinks extends Sinks {
  trace: { span(span: WorkflowSpan): void };
}

const active = new AsyncLocalStorage<string | undefined>();

/** The W3C `traceparent` of what runs now: keep it beside work that is done later, and hand it to `inTrace`. */
export function currentTrace(): string | undefined {
  return active.getStore();
}

/**
 * Runs `work` as a span called `name` under `trace`, and so in the trace of the request that asked for it, whatever
 * trace the caller is in. Without a trace it only runs `work`.
 */
export function inTrace<T>(trace: string | undefined, name: string, work: () => Promise<T>): Promise<T> {
  const parent = trace === undefined ? null : /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(trace);
  if (!parent) return active.run(undefined, work);
  const [, traceId = '', parentSpanId = '', flags = ''] = parent;
  if ((Number.parseInt(flags, 16) & 1) === 0) return active.run(trace, work);
  // A stream of its own: drawing ids must not shift the workflow's other random numbers.
  const spanId = getRandomStream('perdure/trace').uuid4().replaceAll('-', '').slice(-16);
  const span = { name, traceId, spanId, parentSpanId, traceFlags: Number.parseInt(flags, 16), startMs: Date.now() };
  return active.run(`00-${traceId}-${spanId}-${flags}`, () => ended(span, work));
}

/** Forgets everything, when the workflow leaves the worker's memory. */
export function disposeTraces(): void {
  active.disable();
}

async function ended<T>(span: Omit<WorkflowSpan, 'endMs'>, work: () => Promise<T>): Promise<T> {
  const { trace } = proxySinks<TraceSinks>();
  try {
    const result = await work();
    trace.span({ ...span, endMs: Date.now() });
    return result;
  } catch (error) {
    const end = { ...span, endMs: Date.now() };
    trace.span(error instanceof ContinueAsNew ? end : { ...end, errorType: failureCode(error) });
    throw error;
  }
}

function failureCode(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ApplicationFailure && cause.type) return cause.type;
    if (cause instanceof CancelledFailure) return 'cancelled';
  }
  return error instanceof Error ? error.name : 'unknown';
}
