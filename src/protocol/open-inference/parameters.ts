import { refuse } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';

/** The form in which an output is answered. */
export interface OutputForm {
  /** True for bytes behind the JSON. */
  readonly isBinary: boolean;
  /** The number of best classes that are answered in the place of the output. */
  readonly classes?: number;
}

/** Forms of content in which MLServer's clients name what they send; each is the tensor as it stands. */
const PLAIN_CONTENT = ['np', 'str', 'pd', 'hg_jsonlist'];

type Parameters = Readonly<Record<string, unknown>>;

/**
 * The `parameters` of a request, an input or an output. An extension that is not known is refused, since it would change the answer.
 * @throws `INVALID_REQUEST` naming the parameter
 */
const readParameters = (place: string, owner: Parameters, known: readonly string[]): Parameters => {
  const parameters = owner.parameters ?? {}; // clients write null for what they leave out
  if (!isObject(parameters))
    return refuse('INVALID_REQUEST', `${place}: parameters are ${show(parameters)}, expected an object`);
  for (const [name, value] of Object.entries(parameters)) {
    if (
      known.includes(name) ||
      value === null ||
      (name === 'content_type' && PLAIN_CONTENT.some((content) => content === value))
    )
      continue;
    refuse(
      'INVALID_REQUEST',
      `${place}: parameter ${show(name)}${name === 'content_type' ? ` ${show(value)}` : ''} is not supported, there are ${known.join(', ') || 'none'}`,
    );
  }
  return parameters;
};

const readFlag = (place: string, name: string, value: unknown, fallback: boolean): boolean => {
  if (value === undefined || value === null) return fallback;
  return typeof value === 'boolean'
    ? value
    : refuse('INVALID_REQUEST', `${place}: ${name} is ${show(value)}, expected true or false`);
};

const readCount = (place: string, name: string, value: unknown, least: number): number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= least
    ? value
    : refuse('INVALID_REQUEST', `${place}: ${name} is ${show(value)}, expected an integer from ${least}`);

/** True if the outputs are answered as bytes, unless they say otherwise. @throws `INVALID_REQUEST` */
export const readBinaryOutput = (request: Parameters, mayBeBinary: boolean): boolean => {
  const { binary_data_output: flag } = readParameters(
    'the request',
    request,
    mayBeBinary ? ['binary_data_output'] : [],
  );
  return readFlag('the request', 'binary_data_output', flag, false);
};

/** The number of bytes of an input behind the JSON; undefined for an input with `data`. @throws `INVALID_REQUEST` */
export const readBinarySize = (name: string, input: Parameters, hasBinary: boolean): number | undefined => {
  const place = `input ${show(name)}`;
  const { binary_data_size: size } = readParameters(place, input, ['binary_data_size']);
  if (size === undefined || size === null) return undefined;
  if (!hasBinary)
    return refuse(
      'INVALID_REQUEST',
      `${place}: binary_data_size needs a body of /v2 with bytes behind the JSON, and the header Inference-Header-Content-Length`,
    );
  if (input.data !== undefined && input.data !== null)
    refuse('INVALID_REQUEST', `${place} has both "data" and binary_data_size`);
  return readCount(place, 'binary_data_size', size, 0);
};

/** @throws `INVALID_REQUEST` */
export const readOutputForm = (
  name: string,
  output: Parameters,
  isBinary: boolean,
  mayBeBinary: boolean,
): OutputForm => {
  const place = `output ${show(name)}`;
  const known = mayBeBinary ? ['binary_data', 'classification'] : ['classification'];
  const { binary_data: flag, classification } = readParameters(place, output, known);
  const form = { isBinary: readFlag(place, 'binary_data', flag, isBinary) };
  return classification === undefined || classification === null
    ? form
    : { ...form, classes: readCount(place, 'classification', classification, 1) };
};
