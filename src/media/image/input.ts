import { ServingError } from '../../core/errors.ts';
import type { Payload } from '../../core/payload.ts';
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

/** A PNG of one black pixel: the plainest picture there is. */
export const BLACK_PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYGAAAAAEAAH2FzhVAAAAAElFTkSuQmCC',
  'base64',
);

/**
 * The encoded picture that a caller sent: raw bytes, base64, or a data URL.
 * @throws `INVALID_REQUEST` when it is none of these; `UNSUPPORTED_MEDIA_TYPE` for a type that is no picture
 */
const toImageBytes = (inputs: unknown, contentType: string | undefined): Uint8Array =>
  toFileBytes(inputs, contentType, PICTURE);

/** Of one request: each may take as long as a detector takes. */
const MAX_IMAGES = 32;

export interface Images {
  readonly images: readonly Uint8Array[];
  /** Whether the caller sent a list, and is to get one. */
  readonly isList: boolean;
}

/** A picture or a list of pictures. @throws as `toImageBytes`, naming the element; `PAYLOAD_TOO_LARGE` for too many */
export const toImages = ({ inputs, contentType }: Payload): Images => {
  if (!Array.isArray(inputs)) return { images: [toImageBytes(inputs, contentType)], isList: false };
  if (inputs.length === 0)
    throw new ServingError('INVALID_INPUT', '"inputs" is an empty list, expected one picture or more');
  if (inputs.length > MAX_IMAGES)
    throw new ServingError(
      'PAYLOAD_TOO_LARGE',
      `"inputs" has ${inputs.length} pictures, at most ${MAX_IMAGES} are taken: send them in several requests`,
    );
  const images = inputs.map((input: unknown, index) => toFileBytes(input, undefined, PICTURE, `inputs[${index}]`));
  return { images, isList: true };
};
