import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLocalServer } from '../../local/local-server.ts';
import { changeCaptureSettings } from '../../src/capture/capture-settings.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { createS3UploadStore } from '../../src/repository/stores/s3-upload-store.ts';
import { pushChatModel } from '../support/chat-model.ts';
import { createTestS3Client } from '../support/s3.ts';
import { publishModel, pushNamed } from '../support/serving.ts';
import { CAPTURED, CHAT_MODELS, CLIENTS, FILES, FOLDERS } from './clients.ts';
import { npmPackages } from './npm-packages.ts';
import { pythonProgram } from './python-program.ts';
import { runCheck } from './run-check.ts';

/** `npm run test:clients [-- <client> …]` drives the clients that people have, unchanged, against `npm start`. Exits with 1 when a check fails. */

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !CLIENTS.some((client) => client.name === name));
if (unknown.length > 0)
  throw new Error(`there is no client ${unknown.join(', ')}, there are ${CLIENTS.map(({ name }) => name).join(', ')}`);

const clients = CLIENTS.filter(({ name }) => chosen.length === 0 || chosen.includes(name));
/** Clients whose versions contradict each other have environments of their own, which are made side by side. */
const lists = new Set(clients.filter(({ script }) => script.endsWith('.py')).map(({ requirements }) => requirements));
await Promise.all([npmPackages(), ...[...lists].map(pythonProgram)]);
const directory = await mkdtemp(join(tmpdir(), 'clients-'));
const server = await startLocalServer({ directory, port: 0, onLine: () => {}, parameters: { docs: 'on' } });
try {
  const store = createS3UploadStore(createTestS3Client(server.s3Endpoint), server.modelsBucket);
  const repository = createModelRepository(store);
  for (const [name, file] of Object.entries(FILES))
    await publishModel(repository, name, `test/fixtures/models/${file}`);
  for (const name of FOLDERS) await pushNamed(repository, name);
  for (const [name, template] of Object.entries(CHAT_MODELS)) await pushChatModel(repository, name, template);
  await changeCaptureSettings(repository, CAPTURED, 'a test', { share: 1 });
  for (const client of clients) {
    console.log(client.name);
    if (!(await runCheck(client, server))) process.exitCode = 1;
  }
} finally {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
}
