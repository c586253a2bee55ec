/** An input of a model: a JSON value, or the path of a file. */
export type SampleInput = { readonly json: unknown } | { readonly file: string };

/** An input, with the right answer to it when somebody labelled it. */
export interface Sample {
  /** Its place in the data, for messages: `line 3 of reviews.jsonl`. */
  readonly place: string;
  readonly input: SampleInput;
  /** Not checked yet; undefined for an input without a label. */
  readonly label: unknown;
  /** The names of all fields of its line, for the message that there is no label. */
  readonly fields: readonly string[];
  /** Bytes of the samples up to this one, for the progress. */
  readonly endBytes: number;
}

/** The samples of a data set, which can be read several times. */
export interface Samples {
  readonly totalBytes: number;
  read(): AsyncIterable<Sample>;
}
