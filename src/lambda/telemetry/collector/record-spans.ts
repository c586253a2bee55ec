import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import { RandomIdGenerator, type ReadableSpan, type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { EndedRequest } from './messages.ts';
import { toRequestSpan } from './request-span.ts';

/** Keeps the spans that ended since `take` was called. */
const createKeeper = () => {
  let spans: ReadableSpan[] = [];
  const processor: SpanProcessor = {
    onStart: () => {},
    onEnd: (span) => {
      spans.push(span);
    },
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  const take = (): ReadableSpan[] => {
    const taken = spans;
    spans = [];
    return taken;
  };
  return { processor, take };
};

/** Makes the spans of requests that have ended. Each is in the trace that its request has already told to the log. */
export const createRecordSpans = (resource: Resource, scope: string, version: string) => {
  const { processor, take } = createKeeper();
  const ids = new RandomIdGenerator();
  let traceId = '';
  const idGenerator = { generateTraceId: () => traceId, generateSpanId: () => ids.generateSpanId() };
  const provider = new TracerProvider({ resource, idGenerator, spanProcessors: [processor] });
  const tracer = provider.getTracer(scope, version);

  const record = (request: EndedRequest): void => {
    const { parentId: spanId } = request.trace;
    const { name, startMs, endMs, isHttp, attributes, fault, parts } = toRequestSpan(request);
    traceId = request.trace.traceId;
    const caller =
      spanId === undefined
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true });
    const kind = isHttp ? SpanKind.SERVER : SpanKind.CONSUMER;
    const span = tracer.startSpan(name, { kind, startTime: startMs, attributes }, caller);
    const below = trace.setSpan(ROOT_CONTEXT, span);
    for (const part of parts) tracer.startSpan(part.name, { startTime: part.startMs }, below).end(part.endMs);
    if (fault !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: fault });
    span.end(endMs);
  };

  return (requests: readonly EndedRequest[]): ReadableSpan[] => {
    for (const request of requests) if (request.trace.isSampled) record(request);
    return take();
  };
};
