import { refuse } from '../core/errors.ts';
import { once } from '../core/once.ts';
import type { InputDecoder, Payload } from '../core/payload.ts';
import { EXTENSION_DECODERS } from '../tasks/extensions.ts';

const hasDecoders = Object.keys(EXTENSION_DECODERS).length > 0;

const loadDecoders = once(() =>
  Promise.all(
    Object.entries(EXTENSION_DECODERS).map(
      async ([name, load]): Promise<InputDecoder> =>
        (await load()).decoder ?? refuse('INTERNAL', `extensions/${name}/decoder.ts exports no "decoder"`),
    ),
  ),
);

/** The media type of files whose name ends in `fileExtension`, if the decoder of an extension takes them. */
export const decodedMediaType = async (fileExtension: string): Promise<string | undefined> => {
  if (!hasDecoders) return undefined;
  const decoder = (await loadDecoders()).find(({ fileExtensions }) => fileExtensions.includes(fileExtension));
  return decoder?.mediaTypes[0];
};

/** The payload as its task takes it: raw bytes of a media type that an extension decodes are decoded. @throws errors of the decoder */
export const decodePayload = async (payload: Payload): Promise<Payload> => {
  const { inputs, contentType, parameters } = payload;
  if (!hasDecoders || contentType === undefined || !(inputs instanceof Uint8Array)) return payload;
  const decoder = (await loadDecoders()).find(({ mediaTypes }) => mediaTypes.includes(contentType));
  return decoder === undefined ? payload : { ...(await decoder.decode(inputs)), parameters };
};
