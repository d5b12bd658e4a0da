import { trace } from '@opentelemetry/api';
import type { ClientPlugin } from '@temporalio/client';
import {
  OpenTelemetryActivityInboundInterceptor,
  OpenTelemetryActivityOutboundInterceptor,
  OpenTelemetryWorkflowClientInterceptor,
} from '@temporalio/interceptors-opentelemetry-v2';
import type { ActivityInterceptors, WorkerPlugin } from '@temporalio/worker';
import { errorCode } from './error-code.ts';
import { errorType, perdure } from './gen-ai-attributes.ts';

/**
 * Temporal's OpenTelemetry interceptors for clients and activities. Its plugin is not taken whole: it would copy memo
 * and search attributes onto the spans of workflows, load the SDK into each workflow, and put every later turn of a
 * conversation into the trace of the first; `workflows/trace-interceptors.ts` stands in its place and speaks its header.
 */
export function temporalTracePlugins(): { clientPlugin: ClientPlugin; workerPlugin: WorkerPlugin } {
  const name = 'perdure.traces';
  return {
    clientPlugin: {
      name,
      configureClient: (options) => {
        const given = options.interceptors?.workflow ?? [];
        if (!Array.isArray(given))
          throw new TypeError('Give client interceptors as a list: the older form is not traced.');
        const workflow = [...given, new OpenTelemetryWorkflowClientInterceptor()];
        return { ...options, interceptors: { ...options.interceptors, workflow } };
      },
    },
    workerPlugin: {
      name,
      configureWorker: (options) => {
        const activity = [...(options.interceptors?.activity ?? []), tracedActivity, withErrorCode];
        return { ...options, interceptors: { ...options.interceptors, activity } };
      },
    },
  };
}

type ActivityContext = ConstructorParameters<typeof OpenTelemetryActivityInboundInterceptor>[0];

function tracedActivity(ctx: ActivityContext): ActivityInterceptors {
  return {
    inbound: new OpenTelemetryActivityInboundInterceptor(ctx),
    outbound: new OpenTelemetryActivityOutboundInterceptor(ctx),
  };
}

function withErrorCode(ctx: ActivityContext): ActivityInterceptors {
  return {
    inbound: {
      execute: async (input, next) => {
        const span = trace.getActiveSpan();
        span?.setAttribute(perdure.activityAttempt, ctx.info.attempt);
        try {
          return await next(input);
        } catch (error) {
          span?.setAttribute(errorType, errorCode(error));
          throw error;
        }
      },
    },
  };
}
