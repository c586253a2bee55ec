/** An input of a caller before a task decodes it. */
export interface Payload {
  /** The bytes of a raw body or of an uploaded object; otherwise the JSON value under `inputs`, or the list of a JSON Lines body. */
  readonly inputs: unknown;
  /** Media type of raw bytes, lower-case and without parameters. */
  readonly contentType?: string;
  /** The parameter `header` of `text/csv` (RFC 4180): tells whether the first record names the columns; undefined when it is left out. */
  readonly hasHeader?: boolean;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** Decodes files of a format that no task knows into inputs that tasks take: numbers, rows, tensors, or another file. */
export interface InputDecoder {
  /** Media types of the format, lower-case, such as `application/x-npy`. */
  readonly mediaTypes: readonly string[];
  /** Endings of its file names, lower-case, such as `.npy`: for uploads and for the command line. */
  readonly fileExtensions: readonly string[];
  /** @throws `INVALID_INPUT` for bytes that are not of the format */
  decode(bytes: Uint8Array): Pick<Payload, 'inputs' | 'contentType'> | Promise<Pick<Payload, 'inputs' | 'contentType'>>;
}

/** Reads a file of the model's version. */
export type ReadFile = (path: string) => Promise<Uint8Array>;
