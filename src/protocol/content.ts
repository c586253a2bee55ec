import { promisify, TextDecoder } from 'node:util';
import { ServingError } from '../core/errors.ts';
import { isObject } from '../core/is-object.ts';
import { show } from '../core/show.ts';

type Body = Uint8Array | string;

/** Headers that a client sends with a body, or an uploader stored with an object. */
export interface ContentHeaders {
  readonly contentEncoding?: string | undefined;
  readonly contentType?: string | undefined;
}

const UTF_8 = /^utf-?8$/i;
const CHARSET = /;\s*charset\s*=\s*"?([^";\s]+)/i;
/** Types of which a charset says something. */
const TEXT_TYPE = /^\s*(?:text\/|application\/(?:x-www-form-urlencoded|xml|[a-z0-9.+-]*(?:json|jsonl|jsonlines))\b)/i;
const CODINGS = new Set(['gzip', 'x-gzip', 'deflate']);

/** Many clients send `deflate` without the header of zlib that HTTP asks for. https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1.2 */
const hasZlibHeader = ([first = 0, second = 0]: Uint8Array): boolean =>
  first % 16 === 8 && (first * 256 + second) % 31 === 0;

const isTooLarge = (error: unknown): boolean => isObject(error) && error.code === 'ERR_BUFFER_TOO_LARGE';

/** zlib is loaded for the requests that need it: a cold start is shorter without it. The bundler replaces an import of it. */
const inflate = async (bytes: Uint8Array, coding: string, maxBytes: number): Promise<Uint8Array> => {
  const { gunzip, inflate: inflateZlib, inflateRaw } = process.getBuiltinModule('node:zlib');
  const decode = coding === 'deflate' ? (hasZlibHeader(bytes) ? inflateZlib : inflateRaw) : gunzip;
  try {
    return await promisify(decode)(bytes, { maxOutputLength: maxBytes });
  } catch (cause) {
    throw isTooLarge(cause)
      ? new ServingError(
          'PAYLOAD_TOO_LARGE',
          `the body has more than ${maxBytes} bytes once its ${coding} is decoded; send fewer inputs`,
          { cause },
        )
      : new ServingError('INVALID_REQUEST', `the body is no whole ${coding}, which its content-encoding names`, {
          cause,
        });
  }
};

/** The codings of a `content-encoding` that change the bytes. */
const codingsOf = (contentEncoding: string): string[] =>
  contentEncoding
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity');

/** Tells whether bytes are other ones than their content, so that no part of them can be read alone. */
export const isCompressed = (contentEncoding = ''): boolean => codingsOf(contentEncoding).length > 0;

/** The coding to undo; undefined for none. @throws `UNSUPPORTED_MEDIA_TYPE` unless there is one at most, and it is known */
const parseCoding = (contentEncoding: string): string | undefined => {
  const [coding, ...others] = codingsOf(contentEncoding);
  if (coding === undefined || (others.length === 0 && CODINGS.has(coding))) return coding;
  throw new ServingError(
    'UNSUPPORTED_MEDIA_TYPE',
    `content-encoding ${show(contentEncoding)} is not decoded here; send the body as it is, or in gzip or deflate`,
  );
};

/** `utf-16` begins with a mark that tells the order of its bytes. */
const orderOf = (charset: string, [first, second]: Uint8Array): string =>
  charset.toLowerCase() === 'utf-16' && first === 0xfe && second === 0xff ? 'utf-16be' : charset;

const createDecoder = (charset: string): TextDecoder => {
  try {
    return new TextDecoder(charset, { fatal: true });
  } catch (cause) {
    throw new ServingError('UNSUPPORTED_MEDIA_TYPE', `charset ${show(charset)} is not known; send UTF-8`, { cause });
  }
};

/** Text in the charset of its content type. */
const toUnicode = (body: Body, charset: string): Body => {
  if (typeof body === 'string' && body.includes('\ufffd'))
    throw new ServingError(
      'UNSUPPORTED_MEDIA_TYPE',
      `the gateway replaced characters of a text in ${show(charset)}; send UTF-8`,
    );
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const decoder = createDecoder(orderOf(charset, bytes));
  if (decoder.encoding === 'utf-8') return body;
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new ServingError('INVALID_REQUEST', `the body is not in ${show(charset)}, which its content type names`, {
      cause,
    });
  }
};

/** The charset to decode from; undefined for UTF-8, and for types that are no text. */
const parseCharset = (contentType: string): string | undefined => {
  const charset = contentType.includes(';') && TEXT_TYPE.test(contentType) ? CHARSET.exec(contentType)?.[1] : undefined;
  return charset === undefined || UTF_8.test(charset) ? undefined : charset;
};

/** Tells whether a body may be something else than its bytes or UTF-8. */
export const isEncoded = ({ contentEncoding, contentType = '' }: ContentHeaders): boolean =>
  contentEncoding !== undefined || parseCharset(contentType) !== undefined;

/**
 * The body as bytes or UTF-8, whatever its `content-encoding` and its charset are.
 * @throws `UNSUPPORTED_MEDIA_TYPE` for a coding or a charset that is not known, `PAYLOAD_TOO_LARGE` for a body that inflates beyond `maxBytes`
 */
export const decodeContent = async (
  body: Body,
  { contentEncoding = '', contentType = '' }: ContentHeaders,
  maxBytes: number,
): Promise<Body> => {
  const [coding, charset] = [parseCoding(contentEncoding), parseCharset(contentType)];
  if (body.length === 0) return body;
  const whole = coding === undefined ? body : await inflate(Buffer.from(body), coding, maxBytes);
  return charset === undefined ? whole : toUnicode(whole, charset);
};
