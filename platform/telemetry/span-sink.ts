import type { InjectedSinks, WorkerOptions, WorkerPlugin } from '@temporalio/worker';
import type { WorkflowInfo } from '@temporalio/workflow';

/** A finished span as `workflows/trace-context.ts` hands it out; times in milliseconds. */
export interface WorkflowSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceFlags: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly errorType?: string;
}

/** Which workflow a span belongs to. Nothing else of it may reach a span: memo and search attributes do not. */
export interface WorkflowIdentity {
  readonly workflowType: string;
  readonly workflowId: string;
  readonly runId: string;
}

/** Receives the spans of workflows; without `onSpan` they are dropped. A replay hands out none. */
export function spanSinkPlugin(
  onSpan: ((span: WorkflowSpan, workflow: WorkflowIdentity) => void) | undefined,
): WorkerPlugin {
  const sinks: InjectedSinks<{ trace: { span(span: WorkflowSpan): void } }> = {
    trace: {
      span: {
        fn: ({ workflowType, workflowId, runId }: WorkflowInfo, span) =>
          onSpan?.(span, { workflowType, workflowId, runId }),
        callDuringReplay: false,
      },
    },
  };
  return {
    name: 'perdure.span-sink',
    configureWorker: (options: WorkerOptions) => ({ ...options, sinks: { ...options.sinks, ...sinks } }),
    configureReplayWorker: (options) => ({ ...options, sinks: { ...options.sinks, ...sinks } }),
  };
}
