import { S3_KEY_BYTES } from '../../core/aws-limits.ts';
import { refuse } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';

/** An object in the project's own data bucket, for what does not fit into a request or an answer. */
export interface ObjectReference {
  readonly s3: string;
}

/** Bytes of an object that is an input. Decoding needs several times its size in memory. */
export const MAX_INPUT_BYTES = 50 * 1024 * 1024;

/** Bytes of a JSON object. Parsed, it takes up to forty times its text. */
export const MAX_JSON_BYTES = 10 * 1024 * 1024;

/** Objects below it are predicted as they come. */
export const UPLOADS_PREFIX = 'uploads/';
/** Objects below it are read by the requests that refer to them alone. */
export const INPUTS_PREFIX = 'inputs/';
/** Answers that requests have had written. */
export const OUTPUTS_PREFIX = 'outputs/';

/** A key with one would break the lists of S3, which are XML. */
const CONTROL = /\p{Cc}/u;

/** The first prefix that a plain key is below; undefined for any other value. */
const prefixOf = (key: unknown, prefixes: readonly string[]): string | undefined => {
  if (typeof key !== 'string' || !key.isWellFormed() || Buffer.byteLength(key) > S3_KEY_BYTES) return undefined;
  if (CONTROL.test(key)) return undefined;
  if (key.split('/').some((part) => part === '..' || part === '.')) return undefined;
  return prefixes.find((prefix) => key.startsWith(prefix));
};

/** An input `{"s3": …}`. @throws `INVALID_REQUEST` for a key that is not a plain one below `uploads/` or `inputs/`, and for fields beside it */
export const parseReference = ({ s3: key, ...others }: Readonly<Record<string, unknown>>): ObjectReference => {
  const [other] = Object.keys(others);
  if (other !== undefined) refuse('INVALID_REQUEST', `${show(other)} beside "s3" is not known`);
  return typeof key === 'string' && prefixOf(key, [UPLOADS_PREFIX, INPUTS_PREFIX]) !== undefined
    ? { s3: key }
    : refuse(
        'INVALID_REQUEST',
        `"s3" is ${show(key)}, expected the key of an object below "${UPLOADS_PREFIX}" or "${INPUTS_PREFIX}" in the data bucket`,
      );
};

/** The model whose objects lie beside that of a reference. */
export const ownerOf = ({ s3 }: ObjectReference): string => s3.split('/')[1] ?? '';

/** The place of an answer in `"output": {"s3": …}`. @throws `INVALID_REQUEST` for a key that is not a plain one below `outputs/` */
export const parseOutput = (output: unknown): ObjectReference => {
  const key = isObject(output) && Object.keys(output).length === 1 ? output.s3 : undefined;
  const isPlain = typeof key === 'string' && prefixOf(key, [OUTPUTS_PREFIX]) !== undefined && !key.endsWith('/');
  return isPlain
    ? { s3: key }
    : refuse('INVALID_REQUEST', `"output" is ${show(output)}, expected {"s3": "${OUTPUTS_PREFIX}<model>/…"}`);
};
