import { refuse, ServingError } from '../core/errors.ts';
import type { OnnxModel } from '../onnx/onnx-model.ts';
import type { ModelSource } from './model-source.ts';

/** The metadata of Ultralytics in graphs that it exports. */
export interface UltralyticsMetadata {
  /** `detect`, `segment`, `classify`, … */
  readonly task: string;
  /** Label of each class, by index. */
  readonly labels: readonly string[];
  /** Height and width of the images that it was exported for. */
  readonly imageSize: readonly [height: number, width: number];
}

const NO_METADATA: OnnxModel['metadata'] = new Map();

/** Metadata of the graph; none of a file that is no ONNX file, which whoever opens it refuses. */
const readMetadata = async ({ graphs: { model } }: ModelSource): Promise<OnnxModel['metadata']> => {
  try {
    return (await model?.read())?.metadata ?? NO_METADATA;
  } catch (error) {
    if (ServingError.from(error).code === 'MODEL_INVALID') return NO_METADATA;
    throw error;
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
 * The metadata of Ultralytics in the model's graph; undefined for a graph of another author.
 * @throws `MODEL_INVALID` when it is incomplete
 */
export const readUltralyticsMetadata = async (source: ModelSource): Promise<UltralyticsMetadata | undefined> => {
  const metadata = await readMetadata(source);
  if (metadata.get('author') !== 'Ultralytics') return undefined;
  const labels = parseNames(metadata.get('names') ?? '');
  const [height, width] = metadata.get('imgsz')?.match(/\d+/g)?.map(Number) ?? [];
  if (labels.length === 0 || Object.keys(labels).length !== labels.length || !height || !width)
    return refuse(
      'MODEL_INVALID',
      'the metadata that Ultralytics wrote into the graph lacks "names" or "imgsz"; export it again',
    );
  return { task: metadata.get('task') ?? 'detect', labels, imageSize: [height, width] };
};
