/** An input of a caller before a task decodes it. */
export interface Payload {
  /** The bytes of a raw body or of an uploaded object; otherwise the JSON value under `inputs`, or the list of a JSON Lines body. */
  readonly inputs: unknown;
  /** Media type of raw bytes, lower-case and without parameters. */
  readonly contentType?: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** Reads a file of the model's version. */
export type ReadFile = (path: string) => Promise<Uint8Array>;
