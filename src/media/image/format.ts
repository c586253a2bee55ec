import { ServingError } from '../../core/errors.ts';
import { findFormat, type Magics, startsWith } from '../magic.ts';

export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'avif' | 'gif' | 'tiff';

const ACCEPTED = 'JPEG, PNG, WebP, AVIF, GIF or TIFF';

/** Recognises an ISO media file by its brands, which name the codec. */
const hasBrand =
  (brand: RegExp) =>
  (head: string): boolean =>
    head.startsWith('ftyp', 4) && brand.test(head.slice(8, 48));

const FORMATS: Magics<ImageFormat> = [
  ['jpeg', startsWith('\xff\xd8\xff')],
  ['png', startsWith('\x89PNG\r\n\x1a\n')],
  ['webp', (head) => head.startsWith('RIFF') && head.startsWith('WEBP', 8)],
  ['avif', hasBrand(/avi[fs]/)],
  ['gif', (head) => head.startsWith('GIF87a') || head.startsWith('GIF89a')],
  ['tiff', (head) => head.startsWith('II*\0') || head.startsWith('MM\0*')],
];

/** Formats that messages name: the caller learns that the image is intact, and has to be converted. SVG is a program, not pixels. */
const REFUSED: Magics<string> = [
  ['SVG or other XML', (head) => /^(\xef\xbb\xbf)?\s*<(\?xml|!--|!doctype|svg)/i.test(head)],
  ['HEIC', hasBrand(/hei[cfmsvx]|mif1/)],
  ['BMP', (head) => head.startsWith('BM') && head.startsWith('\0\0\0\0', 6)],
  ['BigTIFF', (head) => head.startsWith('II+\0') || head.startsWith('MM\0+')],
  ['PDF', startsWith('%PDF-')],
  ['JPEG XL', (head) => head.startsWith('\xff\x0a') || head.startsWith('JXL ', 4)],
  ['JPEG 2000', startsWith('jP  ', 4)],
];

/**
 * Recognises the format of an image by its first bytes; content type and file name have no effect.
 * @throws `UNSUPPORTED_MEDIA_TYPE` for an image of another format, `INVALID_INPUT` for any other file
 */
export const sniffFormat = (bytes: Uint8Array): ImageFormat => {
  const format = findFormat(bytes, FORMATS);
  if (format !== undefined) return format;
  const refused = findFormat(bytes, REFUSED);
  if (refused !== undefined)
    throw new ServingError('UNSUPPORTED_MEDIA_TYPE', `received ${refused}, expected ${ACCEPTED}; convert the image`);
  throw new ServingError(
    'INVALID_INPUT',
    `received ${bytes.byteLength} bytes that are no image, expected ${ACCEPTED}; send the file as it is`,
  );
};
