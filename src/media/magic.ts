/** Recognises a format by the first bytes of a file, as text with one character for each byte. */
type Magic = (head: string) => boolean;

/** Names of formats, each with its magic. */
export type Magics<Format> = readonly (readonly [Format, Magic])[];

/** No magic looks at more bytes. */
const HEAD_BYTES = 256;

export const startsWith =
  (prefix: string, at = 0): Magic =>
  (head) =>
    head.startsWith(prefix, at);

/** The first format of `magics` that recognises `bytes`. */
export const findFormat = <Format>(bytes: Uint8Array, magics: Magics<Format>): Format | undefined => {
  const head = Buffer.from(bytes.subarray(0, HEAD_BYTES)).toString('latin1');
  return magics.find(([, matches]) => matches(head))?.[0];
};
