import { ServingError } from '../../core/errors.ts';
import { type FileKind, toFileBytes } from '../encoded-file.ts';

const PICTURE: FileKind = {
  name: 'picture',
  example: 'image/jpeg',
  assertType: (contentType) => {
    if (contentType.startsWith('image/') && !contentType.startsWith('image/svg')) return;
    throw new ServingError(
      'UNSUPPORTED_MEDIA_TYPE',
      `content type ${contentType} is no picture that is decoded here; send image/jpeg, png, webp, avif, gif or tiff (curl: -H 'content-type: image/jpeg'), or JSON {"inputs": "<base64>"}`,
    );
  },
};

/**
 * The encoded picture that a caller sent: raw bytes, base64, or a data URL.
 * @throws `INVALID_REQUEST` when it is none of these; `UNSUPPORTED_MEDIA_TYPE` for a type that is no picture
 */
export const toImageBytes = (inputs: unknown, contentType: string | undefined): Uint8Array =>
  toFileBytes(inputs, contentType, PICTURE);
