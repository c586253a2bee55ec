import { ServingError } from '../../core/errors.ts';
import type { Payload } from '../../core/payload.ts';
import { type FileKind, toFileBytes } from '../encoded-file.ts';

const MAX_RECORDINGS = 64;

const RECORDING: FileKind = {
  name: 'recording',
  example: 'audio/wav',
  assertType: (contentType) => {
    if (contentType.startsWith('audio/') || contentType === 'application/ogg' || contentType === 'video/ogg') return;
    throw new ServingError(
      'UNSUPPORTED_MEDIA_TYPE',
      `content type ${contentType} is no recording; send audio/wav, flac, mpeg or ogg (curl: -H 'content-type: audio/wav'), or JSON {"inputs": "<base64>"}`,
    );
  },
};

/** What a caller sent, not decoded yet. */
export interface Recordings {
  readonly files: readonly Uint8Array[];
  /** Whether they came as a list, which is answered with a list. */
  readonly isList: boolean;
}

/**
 * The recordings that a caller sent: raw bytes, base64, a data URL, or a list of the latter two.
 * @throws `INVALID_REQUEST`, `INVALID_INPUT`, `PAYLOAD_TOO_LARGE`, `UNSUPPORTED_MEDIA_TYPE`
 */
export const toRecordings = ({ inputs, contentType }: Payload): Recordings => {
  if (!Array.isArray(inputs)) return { files: [toFileBytes(inputs, contentType, RECORDING)], isList: false };
  if (inputs.length === 0)
    throw new ServingError('INVALID_INPUT', '"inputs" is an empty list, expected one recording or more');
  if (inputs.length > MAX_RECORDINGS)
    throw new ServingError(
      'PAYLOAD_TOO_LARGE',
      `"inputs" has ${inputs.length} recordings, at most ${MAX_RECORDINGS} are taken: send them in several requests`,
    );
  const files = inputs.map((input: unknown, index) => toFileBytes(input, undefined, RECORDING, `inputs[${index}]`));
  return { files, isList: true };
};
