import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ServingError } from '../core/errors.ts';
import { fields, readEntry } from '../onnx/protobuf.ts';
import type { ModelSource } from './model-source.ts';

/** `metadata_props` of `ModelProto`. */
const METADATA = 14;

/** What Ultralytics writes into the graphs that it exports. */
export interface UltralyticsMetadata {
  /** `detect`, `segment`, `classify`, … */
  readonly task: string;
  /** Label of each class, by index. */
  readonly labels: readonly string[];
  /** Height and width of the pictures that it was exported for. */
  readonly imageSize: readonly [height: number, width: number];
}

const metadataOf = (graph: Buffer): ReadonlyMap<string, string> => {
  try {
    const entries = [...fields(graph)].filter(({ number }) => number === METADATA);
    return new Map(entries.map(({ value }) => readEntry(value)));
  } catch {
    return new Map(); // whoever opens it says that it is no ONNX file
  }
};

/** Labels of Python's `{0: 'person', 1: "driver's seat"}`, by index. */
const parseNames = (text: string): string[] => {
  const labels: string[] = [];
  for (const [, index, quoted = ''] of text.matchAll(/(\d+): ('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")/g))
    labels[Number(index)] = quoted.slice(1, -1).replaceAll(/\\(.)/g, '$1');
  return labels;
};

/**
 * What Ultralytics wrote into the model's graph; undefined for a graph of somebody else.
 * @throws `MODEL_INVALID` when it is incomplete
 */
export const readUltralyticsMetadata = async ({
  directory,
  graphs,
}: ModelSource): Promise<UltralyticsMetadata | undefined> => {
  if (graphs.model === undefined) return undefined;
  const metadata = metadataOf(await readFile(join(directory, graphs.model)));
  if (metadata.get('author') !== 'Ultralytics') return undefined;
  const labels = parseNames(metadata.get('names') ?? '');
  const [height, width] = metadata.get('imgsz')?.match(/\d+/g)?.map(Number) ?? [];
  if (labels.length === 0 || Object.keys(labels).length !== labels.length || !height || !width)
    throw new ServingError(
      'MODEL_INVALID',
      'the metadata that Ultralytics wrote into the graph lacks "names" or "imgsz"; export it again',
    );
  return { task: metadata.get('task') ?? 'detect', labels, imageSize: [height, width] };
};
