import { createHash } from 'node:crypto';
import { isObject } from '../core/is-object.ts';
import type { Payload } from '../core/payload.ts';
import type { CaptureSettings } from './capture-settings.ts';

/** The input of a request as it came. */
export interface Input {
  readonly bytes: number;
  readonly type: string;
  readonly sha256?: string;
  /** JSON, or the text of a body; base64 of any other body. */
  readonly input?: string;
  /** The reason for which a full input is left out. */
  readonly input_omitted?: string;
}

/** Larger inputs are left out: their hash is there. */
const MOST_BYTES = 65_536;

const REMOVED = null;

const removing =
  (redact: readonly string[]) =>
  (key: string, value: unknown): unknown => {
    if (redact.includes(key)) return REMOVED;
    if (typeof value === 'bigint') return Number(value);
    return value instanceof Uint8Array || isBytes(value) ? REMOVED : value;
  };

/** A buffer becomes such an object before a replacer sees it. */
const isBytes = (value: unknown): boolean => isObject(value) && value.type === 'Buffer' && Array.isArray(value.data);

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

const fullInput = (
  { inputs, contentType }: Payload,
  json: string,
  bytes: number,
  redact: readonly string[],
): Pick<Input, 'input' | 'input_omitted'> => {
  if (bytes > MOST_BYTES) return { input_omitted: `more than ${MOST_BYTES} bytes` };
  if (!(inputs instanceof Uint8Array)) return { input: json };
  if (redact.length > 0) return { input_omitted: 'fields cannot be redacted in a body that is no JSON' };
  const encoding = contentType?.startsWith('text/') ? 'utf8' : 'base64';
  return { input: Buffer.from(inputs).toString(encoding) };
};

/**
 * Size and type of an input, and what the settings allow of itself. With fields to redact, there is no hash: whoever guesses a value could
 * check it.
 */
export const describeInput = (payload: Payload, { inputs: level, redact }: CaptureSettings): Input => {
  const { inputs } = payload;
  const isRaw = inputs instanceof Uint8Array;
  const json = isRaw ? '' : (JSON.stringify(inputs, removing(redact)) ?? 'null');
  const bytes = isRaw ? inputs.byteLength : Buffer.byteLength(json);
  return {
    bytes,
    type: isRaw ? (payload.contentType ?? 'application/octet-stream') : 'application/json',
    ...(level !== 'none' && redact.length === 0 && { sha256: sha256(isRaw ? inputs : json) }),
    ...(level === 'full' && fullInput(payload, json, bytes, redact)),
  };
};
