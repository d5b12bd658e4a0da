import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { HrTime } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { errorType } from './gen-ai-attributes.ts';
import type { WorkflowIdentity, WorkflowSpan } from './span-sink.ts';

/** A workflow's span in the form that exporters take, with the attribute names of Temporal's own interceptors. */
export function readableSpan(span: WorkflowSpan, workflow: WorkflowIdentity, resource: Resource): ReadableSpan {
  const { traceId, traceFlags } = span;
  return {
    name: span.name,
    kind: SpanKind.INTERNAL,
    spanContext: () => ({ traceId, spanId: span.spanId, traceFlags }),
    parentSpanContext: { traceId, spanId: span.parentSpanId, traceFlags, isRemote: true },
    startTime: toHrTime(span.startMs),
    endTime: toHrTime(span.endMs),
    duration: toHrTime(span.endMs - span.startMs),
    status: span.errorType ? { code: SpanStatusCode.ERROR, message: span.errorType } : { code: SpanStatusCode.UNSET },
    attributes: {
      temporalWorkflowType: workflow.workflowType,
      temporalWorkflowId: workflow.workflowId,
      run_id: workflow.runId,
      ...(span.errorType ? { [errorType]: span.errorType } : {}),
    },
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: { name: 'perdure/workflow' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function toHrTime(milliseconds: number): HrTime {
  const whole = Math.trunc(milliseconds / 1000);
  return [whole, Math.round((milliseconds - whole * 1000) * 1e6)];
}
