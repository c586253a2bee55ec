import type { Chunks } from '../onnx/chunks.ts';

/** A part of a model, for people: its name, remarks on it, and its own parts. */
export interface Outline {
  readonly text: string;
  readonly parts?: readonly Outline[];
}

/** A model of another library as an ONNX model. */
export interface ImportedModel {
  /** The ONNX file, in pieces. */
  readonly onnx: Chunks;
  /** The settings of its task, as `config.json` has them: `pipeline_tag`, `columns`, `id2label`, … */
  readonly config: Readonly<Record<string, unknown>>;
  /** Further files of its folder by path, such as a tokenizer. */
  readonly files?: Readonly<Record<string, string>>;
  /** The library and its version that wrote the file, such as `scikit-learn 1.7.2`. */
  readonly origin: string;
  readonly outline: Outline;
  /** Remarks for people, which need no action. */
  readonly notes: readonly string[];
}

/** Reads a file of one format. @throws `MODEL_INVALID` naming the part that cannot be converted, its library's version, and a remedy */
export type Importer = (bytes: Buffer) => Promise<ImportedModel>;
