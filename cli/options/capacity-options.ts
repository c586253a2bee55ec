import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import type { ServiceTime } from '../../src/advise/capacity/service-times.ts';
import { type Arrival, parseTrace, poissonDay } from '../../src/advise/capacity/trace.ts';
import { LAMBDA_MOST_MEMORY_MB } from '../../src/core/aws-limits.ts';
import { refuse } from '../../src/core/errors.ts';
import { messageOf } from '../../src/core/message-of.ts';
import { misuse } from './misuse.ts';

/** The times and the size of a function. */
export interface MeasuredFunction {
  readonly service: ServiceTime;
  readonly coldMs: number;
  readonly memoryMb: number;
}

interface Given {
  readonly advice?: string | undefined;
  readonly service?: string | undefined;
  readonly cold?: string | undefined;
  readonly memory?: string | undefined;
  readonly trace?: string | undefined;
  readonly 'per-day'?: string | undefined;
  readonly hours?: string | undefined;
}

const MOST_PER_DAY = 5_000_000;

/** A number above 0. @throws `INVALID_REQUEST` */
export const parseAmount = (option: string, text: string, expected: string): number => {
  const value = /^(\d+(\.\d+)?|\.\d+)$/.test(text) ? Number(text) : 0;
  return value > 0 && Number.isFinite(value) ? value : misuse(`--${option} is ${text}, expected ${expected}`);
};

const readText = (option: string, path: string): Promise<string> =>
  readFile(path, 'utf8').catch((error: unknown) =>
    refuse('INVALID_REQUEST', `--${option} ${path} cannot be read: ${messageOf(error)}`),
  );

const positive = v.pipe(v.number(), v.gtValue(0));
const estimateSchema = v.object({
  memoryMb: positive,
  coldMs: positive,
  latencyMs: v.object({ p50: positive, p95: positive }),
});
const adviceSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ choice: v.optional(estimateSchema), closest: v.optional(estimateSchema) }),
  v.transform(({ choice, closest }) => choice ?? closest),
);

const readAdvice = async (path: string): Promise<MeasuredFunction> => {
  const { output, success } = v.safeParse(adviceSchema, await readText('advice', path));
  if (success && output !== undefined)
    return { service: output.latencyMs, coldMs: output.coldMs, memoryMb: output.memoryMb };
  return refuse(
    'INVALID_REQUEST',
    `--advice ${path} is not what advise --json prints: onnx-serverless advise <model> --json > ${path}`,
  );
};

const parseService = (text: string): ServiceTime => {
  const [p50 = '', p95 = p50, ...more] = text.split(',');
  const expected = 'milliseconds such as 120, or the middle and the 95th percentile such as 120,300';
  const parse = (part: string): number => parseAmount('service', more.length > 0 ? text : part.trim(), expected);
  const service = { p50: parse(p50), p95: parse(p95) };
  return service.p95 >= service.p50 ? service : misuse(`--service is ${text}, expected ${expected}`);
};

/** Reads `--advice`, and `--service`, `--cold` and `--memory`, which go before it. @throws `INVALID_REQUEST` */
export const readMeasuredFunction = async (given: Given): Promise<MeasuredFunction> => {
  const advice = given.advice === undefined ? undefined : await readAdvice(given.advice);
  const service = given.service === undefined ? advice?.service : parseService(given.service);
  const coldMs =
    given.cold === undefined ? advice?.coldMs : parseAmount('cold', given.cold, 'milliseconds such as 2000');
  const memoryMb =
    given.memory === undefined ? advice?.memoryMb : parseAmount('memory', given.memory, 'MB such as 1769');
  if (service === undefined || coldMs === undefined || memoryMb === undefined)
    return misuse(
      'the times of the function are missing: give --advice <file>, which advise --json prints, or --service, --cold and --memory',
    );
  if (memoryMb < 128 || memoryMb > LAMBDA_MOST_MEMORY_MB)
    return misuse(`--memory is ${memoryMb}, expected MB from 128 to ${LAMBDA_MOST_MEMORY_MB}`);
  if (coldMs < service.p50) return misuse(`--cold is ${coldMs} ms, less than the ${service.p50} ms of a warm request`);
  return { service, coldMs, memoryMb };
};

const parseHours = (text: string): readonly [number, number] => {
  const [, from = '', to = ''] = /^(\d{1,2})-(\d{1,2})$/.exec(text) ?? [];
  const hours = [Number(from), Number(to)] as const;
  if (from !== '' && hours[0] < hours[1] && hours[1] <= 24) return hours;
  return misuse(`--hours is ${text}, expected hours of UTC such as 8-18`);
};

/** Reads `--trace`, or makes the day of `--per-day`. @throws `INVALID_REQUEST` */
export const readArrivals = async (given: Given): Promise<Arrival[]> => {
  const { trace, hours } = given;
  const perDay = given['per-day'];
  if ((trace === undefined) === (perDay === undefined))
    return misuse('expected --trace <file.csv> or --per-day <requests>: one of them');
  if (trace !== undefined) {
    if (hours !== undefined) misuse('--hours belongs to --per-day; a trace has times of its own');
    return parseTrace(await readText('trace', trace), trace);
  }
  const count = parseAmount('per-day', perDay ?? '', 'a number of requests such as 5000');
  if (count > MOST_PER_DAY) misuse(`--per-day is ${count}, expected at most ${MOST_PER_DAY}`);
  const arrivals = poissonDay(count, parseHours(hours ?? '0-24'));
  return arrivals.length > 0 ? arrivals : refuse('INVALID_REQUEST', `--per-day ${count}: no request came in the day`);
};
