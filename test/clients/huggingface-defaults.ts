import { strict as assert } from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceClient } from '@huggingface/inference';
import { startLocalServer } from '../../local/local-server.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { createTestS3Client } from '../support/s3.ts';
import { pushNamed } from '../support/serving.ts';
import { check } from './check.ts';

/** @huggingface/inference without a parameter, against an `npm start` of its own with `clients=javascript`. */

const directory = await mkdtemp(join(tmpdir(), 'clients-javascript-'));
const server = await startLocalServer({ directory, port: 0, onLine: () => {}, parameters: { clients: 'javascript' } });
const on = (model: string) => new InferenceClient(undefined, { endpointUrl: `${server.endpoint}/models/${model}` });
try {
  const store = createS3UploadStore(createTestS3Client(server.s3Endpoint), server.modelsBucket);
  await pushNamed(createModelRepository(store), 'tiny-bert-ner');

  await check('tokenClassification without parameters', async () => {
    const entities = await on('tiny-bert-ner').tokenClassification({ inputs: 'Sarah lives in Zürich' });
    for (const { entity_group } of entities) assert.equal(typeof entity_group, 'string');
  });

  await check('tabularClassification', async () => {
    const sepals = { 'sepal length (cm)': ['5.1', '6.7'], 'sepal width (cm)': ['3.5', '3.0'] };
    const data = { ...sepals, 'petal length (cm)': ['1.4', '5.2'], 'petal width (cm)': ['0.2', '2.3'] };
    assert.deepEqual(await on('iris').tabularClassification({ inputs: { data } }), [0, 2]);
  });
} finally {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
}
