import { defaultPayloadConverter } from '@temporalio/common';
import type { Headers } from '@temporalio/common';
import { workflowInfo } from '@temporalio/workflow';
import type { WorkflowInterceptors } from '@temporalio/workflow';
import { currentTrace, disposeTraces, inTrace } from './trace-context.ts';

/** Header of Temporal's OpenTelemetry interceptors: a map with a W3C `traceparent`. */
const traceHeader = '_tracer-data';

/**
 * Carries the trace of a request through the workflow to its activities, and reports the workflow's spans.
 * What it does depends on the headers in the history alone, never on whether this worker exports traces: a history
 * replays the same everywhere. A query leaves no span, because queries are answered from replays.
 */
export function interceptors(): WorkflowInterceptors {
  return {
    inbound: [
      {
        execute: (input, next) =>
          inTrace(traceOf(input.headers), `RunWorkflow:${workflowInfo().workflowType}`, () => next(input)),
        handleUpdate: (input, next) => inTrace(traceOf(input.headers), `HandleUpdate:${input.name}`, () => next(input)),
        handleSignal: (input, next) =>
          inTrace(traceOf(input.headers), `HandleSignal:${input.signalName}`, () => next(input)),
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => traced(`StartActivity:${input.activityType}`, input, next),
        scheduleLocalActivity: (input, next) => traced(`StartActivity:${input.activityType}`, input, next),
        startChildWorkflowExecution: (input, next) => traced(`StartChildWorkflow:${input.workflowType}`, input, next),
        signalWorkflow: (input, next) => traced(`SignalWorkflow:${input.signalName}`, input, next),
        getLogAttributes: (input, next) => {
          const [, trace_id, span_id] = currentTrace()?.split('-') ?? [];
          return next(trace_id && span_id ? { trace_id, span_id, ...input } : input);
        },
      },
    ],
    internals: [
      {
        dispose: (input, next) => {
          disposeTraces();
          next(input);
        },
      },
    ],
  };
}

function traceOf(headers: Headers): string | undefined {
  const payload = headers[traceHeader];
  if (!payload) return undefined;
  const carried = defaultPayloadConverter.fromPayload<{ traceparent?: unknown }>(payload).traceparent;
  return typeof carried === 'string' ? carried : undefined;
}

function traced<Input extends { readonly headers: Headers }, Result>(
  name: string,
  input: Input,
  next: (input: Input) => Promise<Result>,
): Promise<Result> {
  const trace = currentTrace();
  if (trace === undefined) return next(input);
  return inTrace(trace, name, () => {
    const payload = defaultPayloadConverter.toPayload({ traceparent: currentTrace() });
    return next({ ...input, headers: { ...input.headers, [traceHeader]: payload } });
  });
}
