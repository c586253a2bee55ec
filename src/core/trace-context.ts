/** The place of a request in a trace that its caller has begun. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** The span of the caller, 16 hexadecimal digits; undefined when the caller names the trace alone. */
  readonly parentId: string | undefined;
  /** False when the caller does not want the trace recorded. */
  readonly isSampled: boolean;
}

type Headers = Readonly<Record<string, string | undefined>>;

/** https://www.w3.org/TR/trace-context/#traceparent-header */
const TRACEPARENT = /^(?!ff|00.{54})[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(?:-|$)/;
/** https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader */
const ROOT = /(?:^|;)\s*Root=1-(?!0{8}-0{24})([\da-f]{8})-([\da-f]{24})\s*(?:;|$)/i;
const PARENT = /(?:^|;)\s*Parent=(?!0{16})([\da-f]{16})\s*(?:;|$)/i;

/** Longer headers are none that a tracer writes. */
const LONGEST = 1_024;

const isReadable = (header: string | undefined): header is string => header !== undefined && header.length <= LONGEST;

const fromTraceparent = (header: string): TraceContext | undefined => {
  const [, traceId, parentId, flags = ''] = TRACEPARENT.exec(header) ?? [];
  if (traceId === undefined || parentId === undefined) return undefined;
  return { traceId, parentId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
};

/** X-Ray's own choice of traces, `Sampled`, does not bind other tracers. */
const fromXRay = (header: string): TraceContext | undefined => {
  const [, seconds, unique] = ROOT.exec(header) ?? [];
  if (seconds === undefined || unique === undefined) return undefined;
  const parentId = PARENT.exec(header)?.[1]?.toLowerCase();
  return { traceId: `${seconds}${unique}`.toLowerCase(), parentId, isSampled: true };
};

/** Reads `traceparent`, or else `x-amzn-trace-id`; undefined without a valid one. @param headers by lower-case name */
export const readTraceContext = ({ traceparent, 'x-amzn-trace-id': xRay }: Headers): TraceContext | undefined =>
  (isReadable(traceparent) ? fromTraceparent(traceparent.trim()) : undefined) ??
  (isReadable(xRay) ? fromXRay(xRay) : undefined);
