import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { importKeras } from '../../../src/formats/keras/import-keras.ts';
import { importSklearn } from '../../../src/formats/sklearn/import-sklearn.ts';
import type { Chunks } from '../../../src/onnx/chunks.ts';
import { convertTransformer } from '../formats/sklearn-graph.ts';
import { importModels } from './boosting.ts';
import { KERAS_FIXTURES, readKerasFile } from './keras.ts';
import { readModels, readVersions } from './sklearn.ts';
import { readTransformers, VERSIONS } from './sklearn-transformers.ts';

/**
 * `npm run graphs -- <library> <folder>` writes the graphs of the fixtures of `boosters`, `keras`, `sklearn` or `sklearn-transformers`, for
 * test/reference/check_graphs.py.
 */

/** A graph, and the name of its file without an ending. */
type NamedGraph = readonly [name: string, graph: Chunks];

async function* boosters(): AsyncGenerator<NamedGraph> {
  for (const library of ['xgboost', 'lightgbm'] as const)
    for await (const { title, model } of importModels(library)) yield [title, model.onnx];
}

/** Files of Keras that are refused. */
const REFUSED = /lambda|custom|stateful|subclass|weights-only/;

async function* keras(): AsyncGenerator<NamedGraph> {
  for (const version of ['keras-2', 'keras-3'])
    for (const file of await readdir(join(KERAS_FIXTURES, version))) {
      if (!file.endsWith('.gz') || REFUSED.test(file)) continue;
      const { onnx } = await importKeras(await readKerasFile(join(version, file.replace(/[.]gz$/, ''))));
      yield [`${version}-${file}`, onnx];
    }
}

async function* sklearn(): AsyncGenerator<NamedGraph> {
  for (const version of await readVersions())
    for (const [name, model] of await readModels(version)) yield [`${version}-${name}`, importSklearn(model).onnx];
}

/** Names of the pipelines that end in an estimator. */
const PREDICTORS = /^(?:text|table) /;

async function* sklearnTransformers(): AsyncGenerator<NamedGraph> {
  for (const fixtures of ['sklearn-preprocessing', 'sklearn-text'])
    for (const version of VERSIONS)
      for (const [name, object] of await readTransformers(fixtures, version)) {
        const isPredictor = PREDICTORS.test(name);
        const graph = isPredictor ? importSklearn(object).onnx : [convertTransformer(object, version).model];
        yield [`${fixtures}-${version}-${name}`, graph];
      }
}

const LIBRARIES: Readonly<Record<string, () => AsyncGenerator<NamedGraph>>> = {
  ...{ boosters, keras, sklearn, 'sklearn-transformers': sklearnTransformers },
};

const [library = '', folder = ''] = process.argv.slice(2);
const graphs = LIBRARIES[library];
if (graphs === undefined || folder === '')
  throw new Error(`expected <library> <folder>, with one of ${Object.keys(LIBRARIES).join(', ')}`);
for await (const [name, graph] of graphs()) {
  const path = join(folder, `${name.replaceAll(/[^\w.]+/g, '-')}.onnx`);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, Buffer.concat([...graph]));
}
