import { SpanStatusCode } from '@opentelemetry/api';
import type { Context } from '@opentelemetry/api';
import type { ReadableSpan, Span, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { errorType } from './gen-ai-attributes.ts';

/**
 * Takes the messages of errors off every span, whoever recorded them, and leaves their codes: a message may quote a
 * prompt, a document or a provider's answer.
 */
export class SafeSpanProcessor implements SpanProcessor {
  readonly #inner: SpanProcessor;

  constructor(inner: SpanProcessor) {
    this.#inner = inner;
  }

  onStart(span: Span, parent: Context): void {
    this.#inner.onStart(span, parent);
  }

  onEnd(span: ReadableSpan): void {
    this.#inner.onEnd(withoutMessages(span));
  }

  forceFlush(): Promise<void> {
    return this.#inner.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#inner.shutdown();
  }
}

function withoutMessages(span: ReadableSpan): ReadableSpan {
  const failed = span.status.code === SpanStatusCode.ERROR;
  if (!failed && span.status.message === undefined && span.events.length === 0) return span;
  const recorded = span.events.find((event) => event.name === 'exception')?.attributes?.['exception.type'];
  const code = String(span.attributes[errorType] ?? recorded ?? 'unknown');
  const { name, kind, parentSpanContext, startTime, endTime, duration, links, ended, resource } = span;
  const { instrumentationScope, droppedAttributesCount, droppedEventsCount, droppedLinksCount } = span;
  return {
    name,
    kind,
    spanContext: () => span.spanContext(),
    ...(parentSpanContext ? { parentSpanContext } : {}),
    startTime,
    endTime,
    duration,
    status: failed ? { code: SpanStatusCode.ERROR, message: code } : { code: span.status.code },
    attributes: failed ? { ...span.attributes, [errorType]: code } : span.attributes,
    links,
    events: span.events.map((event) =>
      event.name === 'exception' ? { ...event, attributes: { 'exception.type': code } } : event,
    ),
    ended,
    resource,
    instrumentationScope,
    droppedAttributesCount,
    droppedEventsCount,
    droppedLinksCount,
  };
}
