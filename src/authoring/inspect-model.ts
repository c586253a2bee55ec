import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ServingError } from '../core/errors.ts';
import type { ImportedModel } from '../formats/imported-model.ts';
import { describeModel, type ModelDescription } from '../onnx/describe-model.ts';
import { findExternalData, type GraphSource } from '../source/graph-source.ts';
import { findModel } from '../source/model-source.ts';
import { findPlace } from './find-source.ts';
import { importModel } from './import-source.ts';
import { boundOutline } from './outline.ts';

/** An ONNX file of a model. */
export interface InspectedGraph extends ModelDescription {
  readonly path: string;
  readonly bytes: number;
  /** Files with weights that are named, and not there, each with the reason. */
  readonly missing: readonly string[];
}

/** A model of ONNX files, or one of another library as it was understood. */
export type InspectedModel =
  | { readonly graphs: readonly InspectedGraph[] }
  | ({ readonly file: string } & Pick<ImportedModel, 'origin' | 'outline' | 'config' | 'notes'>);

const inspectGraph = async (directory: string, graph: GraphSource): Promise<InspectedGraph> => {
  const path = join(directory, graph.path);
  const { size: bytes } = await stat(path);
  try {
    const model = await graph.read();
    const missing: string[] = [];
    for (const location of model.externalData)
      await findExternalData(directory, graph.path, [location]).catch((error: unknown) => {
        missing.push(ServingError.from(error).message);
      });
    return { path, bytes, ...describeModel(model), missing };
  } catch (error) {
    const { code, message } = ServingError.from(error);
    throw new ServingError(code, `${path} cannot be read: ${message}`, { cause: error });
  }
};

/** Describes the model at `path` without reading its weights. @throws the errors of `findPlace`, and `MODEL_INVALID` for a damaged file */
export const inspectModel = async (path: string): Promise<InspectedModel> => {
  const place = await findPlace(path);
  if ('onnx' in place) {
    const { directory, graphs } = await findModel(place.onnx);
    const inspected: InspectedGraph[] = [];
    for (const graph of Object.values(graphs)) inspected.push(await inspectGraph(directory, graph));
    return { graphs: inspected };
  }
  const { directory, file, format } = place;
  const { origin, outline, config, notes } = (await importModel(directory, file, format)).model;
  return { file: join(directory, file), origin, outline: boundOutline(outline), config, notes };
};
