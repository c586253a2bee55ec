import { ServingError } from '../../core/errors.ts';

export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'avif' | 'gif' | 'tiff';

const ACCEPTED = 'JPEG, PNG, WebP, AVIF, GIF or TIFF';

/** Recognises a format by the first bytes, given as text with one character for each. */
type Magic = (head: string) => boolean;

const starts =
  (prefix: string, at = 0): Magic =>
  (head) =>
    head.startsWith(prefix, at);

/** The brands of an ISO media file, one of which says which codec is inside. */
const hasBrand =
  (brand: RegExp): Magic =>
  (head) =>
    head.startsWith('ftyp', 4) && brand.test(head.slice(8, 48));

const FORMATS: readonly (readonly [ImageFormat, Magic])[] = [
  ['jpeg', starts('\xff\xd8\xff')],
  ['png', starts('\x89PNG\r\n\x1a\n')],
  ['webp', (head) => head.startsWith('RIFF') && head.startsWith('WEBP', 8)],
  ['avif', hasBrand(/avi[fs]/)],
  ['gif', (head) => head.startsWith('GIF87a') || head.startsWith('GIF89a')],
  ['tiff', (head) => head.startsWith('II*\0') || head.startsWith('MM\0*')],
];

/** Named, so that the caller learns that the picture is whole but of the wrong kind. SVG is a program, not pixels. */
const REFUSED: readonly (readonly [string, Magic])[] = [
  ['SVG or other XML', (head) => /^(\xef\xbb\xbf)?\s*<(\?xml|!--|!doctype|svg)/i.test(head)],
  ['HEIC', hasBrand(/hei[cfmsvx]|mif1/)],
  ['BMP', (head) => head.startsWith('BM') && head.startsWith('\0\0\0\0', 6)],
  ['PDF', starts('%PDF-')],
  ['JPEG XL', (head) => head.startsWith('\xff\x0a') || head.startsWith('JXL ', 4)],
  ['JPEG 2000', starts('jP  ', 4)],
];

/**
 * The format by its magic bytes, whatever the content type or file name says.
 * @throws `UNSUPPORTED_MEDIA_TYPE` for a picture of another format; `INVALID_INPUT` for what is no picture
 */
export const sniffFormat = (bytes: Uint8Array): ImageFormat => {
  const head = Buffer.from(bytes.subarray(0, 256)).toString('latin1');
  const format = FORMATS.find(([, matches]) => matches(head))?.[0];
  if (format !== undefined) return format;
  const refused = REFUSED.find(([, matches]) => matches(head))?.[0];
  if (refused !== undefined)
    throw new ServingError('UNSUPPORTED_MEDIA_TYPE', `received ${refused}, expected ${ACCEPTED}; convert the picture`);
  throw new ServingError(
    'INVALID_INPUT',
    `received ${bytes.byteLength} bytes that are no picture, expected ${ACCEPTED}; send the file as it is`,
  );
};
