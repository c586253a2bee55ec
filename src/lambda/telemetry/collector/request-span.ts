import { ERROR_KINDS } from '../../../core/errors.ts';
import { type Observation, STEPS } from '../../../serving/telemetry.ts';
import type { EndedLoad, EndedRequest } from './messages.ts';

type Attributes = Readonly<Record<string, string | number | boolean>>;

/** A part of a request. Times are milliseconds since 1970. */
export interface Part {
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** The span of a request, and those of its parts. */
export interface RequestSpan extends Part {
  readonly isHttp: boolean;
  readonly attributes: Attributes;
  /** The code of an error that the operator has to mend. */
  readonly fault: string | undefined;
  readonly parts: readonly Part[];
}

const defined = (values: Readonly<Record<string, string | number | boolean | undefined>>): Attributes =>
  Object.fromEntries(Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));

/** A step that occurs several times is one part: it begins with the first time, and is as long as all of them. */
const stepsOf = ({ stopwatch: { stepsMs, beginsMs } }: Observation, startMs: number): Part[] =>
  STEPS.flatMap((name): Part[] => {
    const [ms, beginMs] = [stepsMs[name], beginsMs[name]];
    if (ms === undefined || beginMs === undefined) return [];
    return [{ name, startMs: startMs + beginMs, endMs: startMs + beginMs + ms }];
  });

/** The parts of a load that ended during the request, which may have begun before it. */
const partsOfLoad = (load: EndedLoad | undefined, startMs: number, endMs: number): Part[] => {
  if (load === undefined || load.endMs < startMs || load.endMs > endMs) return [];
  const { downloadMs, createMs, warmUpMs } = load.report;
  const warmUpStartMs = load.endMs - warmUpMs;
  const createStartMs = warmUpStartMs - createMs;
  return [
    { name: 'download', startMs: createStartMs - downloadMs, endMs: createStartMs },
    { name: 'create', startMs: createStartMs, endMs: warmUpStartMs },
    { name: 'warm-up', startMs: warmUpStartMs, endMs: load.endMs },
  ].filter((part) => part.endMs > part.startMs);
};

/** `POST /models/:name`, and not `upload`. */
const HTTP = /^([A-Z]+) (\/.*)$/;

const attributesOf = ({ observation, initMs }: EndedRequest): Attributes => {
  const { operation, requestId, model, version, batchSize, failures, usage } = observation;
  const [, method, route] = HTTP.exec(operation) ?? [];
  return defined({
    'http.request.method': method,
    'http.route': route,
    'error.type': failures[0]?.code,
    'faas.coldstart': initMs !== undefined,
    'faas.trigger': method === undefined ? 'pubsub' : 'http',
    'gen_ai.usage.input_tokens': usage?.promptTokens,
    'gen_ai.usage.output_tokens': usage?.answerTokens,
    'onnx_serverless.batch_size': batchSize,
    'onnx_serverless.init_ms': initMs,
    'onnx_serverless.model': model,
    'onnx_serverless.request_id': requestId,
    'onnx_serverless.version': version,
  });
};

export const toRequestSpan = (request: EndedRequest): RequestSpan => {
  const { observation, endMs, totalMs, load } = request;
  const startMs = endMs - totalMs;
  return {
    ...{ name: observation.operation, startMs, endMs, attributes: attributesOf(request) },
    isHttp: HTTP.test(observation.operation),
    fault: observation.failures.find(({ code }) => ERROR_KINDS[code].fault === 'server')?.code,
    parts: [...stepsOf(observation, startMs), ...partsOfLoad(load, startMs, endMs)],
  };
};
