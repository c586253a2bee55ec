import { ServingError } from '../../core/errors.ts';
import type { Payload } from '../../core/payload.ts';
import { shorten } from '../../core/show.ts';
import { type FileKind, type InputFiles, toInputFiles } from '../input-files.ts';

/** Most images of one request: a detector may take seconds for each. */
export const MAX_IMAGES = 32;

const ACCEPTED = 'image/jpeg, image/png, image/webp, image/avif, image/gif or image/tiff';

const IMAGE: FileKind = {
  noun: 'image',
  example: 'image/jpeg',
  assertType: (contentType) => {
    if (contentType.startsWith('image/') && !contentType.startsWith('image/svg')) return;
    throw new ServingError(
      'UNSUPPORTED_MEDIA_TYPE',
      `content type ${shorten(contentType)} is no image that is decoded here; send ${ACCEPTED}, or JSON {"inputs": "<base64>"}`,
    );
  },
};

/** A PNG of one black pixel, as a minimal input. */
export const BLACK_PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYGAAAAAEAAH2FzhVAAAAAElFTkSuQmCC',
  'base64',
);

/** The images of one request, not decoded yet. */
export type Images = InputFiles;

/** @throws the errors of `toInputFiles` */
export const toImages = (payload: Payload): Images => toInputFiles(payload, IMAGE, MAX_IMAGES);
