import { ServingError } from '../../core/errors.ts';

const DATA_URL = /^data:([a-z0-9.+/-]*)(?:;[^,;]*)*?(;base64)?,/i;
/** One way to match each text, so that it is read once. */
const BASE64 = /^[A-Za-z0-9+/\s_-]*={0,2}$/;

const assertImageType = (contentType: string): void => {
  if (contentType === 'application/octet-stream') return; // the bytes say what they are
  if (contentType.startsWith('image/') && !contentType.startsWith('image/svg')) return;
  throw new ServingError(
    'UNSUPPORTED_MEDIA_TYPE',
    `content type ${contentType} is no picture that is decoded here; send image/jpeg, png, webp, avif, gif or tiff (curl: -H 'content-type: image/jpeg'), or JSON {"inputs": "<base64>"}`,
  );
};

/** The bytes of base64 text. @throws `INVALID_REQUEST` */
const fromBase64 = (text: string): Uint8Array => {
  const bytes = BASE64.test(text.trimEnd()) ? Buffer.from(text, 'base64') : undefined;
  if (bytes === undefined || bytes.byteLength === 0)
    throw new ServingError(
      'INVALID_REQUEST',
      '"inputs" is no base64, expected the bytes of a picture as base64 or as a data URL',
    );
  return bytes;
};

/**
 * The encoded picture that a caller sent: raw bytes, base64, or a data URL.
 * @throws `INVALID_REQUEST` when it is none of these; `UNSUPPORTED_MEDIA_TYPE` for a type that is no picture
 */
export const toImageBytes = (inputs: unknown, contentType: string | undefined): Uint8Array => {
  if (inputs instanceof Uint8Array) {
    assertImageType(contentType ?? 'application/octet-stream');
    return inputs;
  }
  if (typeof inputs !== 'string')
    throw new ServingError(
      'INVALID_REQUEST',
      '"inputs" has to be a picture as base64, as a data URL, or {"s3": "uploads/…"}',
    );
  const url = inputs.startsWith('data:') ? DATA_URL.exec(inputs.slice(0, 256)) : undefined;
  if (url === undefined) return fromBase64(inputs);
  if (url === null || url[2] === undefined)
    throw new ServingError('INVALID_REQUEST', 'the data URL under "inputs" has to be base64: data:image/jpeg;base64,…');
  assertImageType(url[1]?.toLowerCase() || 'application/octet-stream');
  return fromBase64(inputs.slice(url[0].length));
};
