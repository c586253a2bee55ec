import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type createSharp from 'sharp';
import { fileKey } from '../../src/repository/keys.ts';
import { projectRoot, type Workbench } from './workbench.ts';

export const SAMPLE = 'efficientnet-lite0';
export const sampleFolder = path.join(projectRoot, 'models', SAMPLE);
const PICTURES = ['coffee.jpg', 'chelsea.jpg', 'rocket.jpg'];
/** By how many pixels a picture is cut closer each time that it is taken again. */
const CUT = 2;

/** The sample model as it was published, and what it is asked. */
export interface Sample {
  /** The published graph, on disk. */
  readonly graphPath: string;
  readonly id2label: Readonly<Record<string, string>>;
  /** JPEGs of 640×480, all different. */
  readonly photoPaths: readonly string[];
  /** Asks for the labels of the first photo. */
  readonly photoEvent: APIGatewayProxyEventV2;
}

/** The event of a POST; what all of them have in common comes from the sample event. */
export const postEvent = async (
  rawPath: string,
  contentType: string,
  body: string | Buffer,
): Promise<APIGatewayProxyEventV2> => {
  const file = path.join(projectRoot, 'events/infer.json');
  const sample = JSON.parse(await readFile(file, 'utf8')) as APIGatewayProxyEventV2;
  return {
    ...sample,
    rawPath,
    rawQueryString: '',
    headers: { ...sample.headers, 'content-type': contentType },
    body: typeof body === 'string' ? body : body.toString('base64'),
    isBase64Encoded: typeof body !== 'string',
  };
};

interface Input {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** The event of an infer request of the Open Inference Protocol; all inputs are float32. */
export const inferEvent = (model: string, ...inputs: readonly Input[]): Promise<APIGatewayProxyEventV2> => {
  const body = { inputs: inputs.map((input) => ({ ...input, datatype: 'FP32' })) };
  return postEvent(`/v2/models/${model}/infer`, 'application/json', JSON.stringify(body));
};

/** The event of an infer request whose body is the bytes of the only input. */
export const rawEvent = async (model: string, data: Float32Array): Promise<APIGatewayProxyEventV2> => {
  const event = await postEvent(`/v2/models/${model}/infer`, 'application/octet-stream', Buffer.from(data.buffer));
  return { ...event, headers: { ...event.headers, 'inference-header-content-length': '0' } };
};

const takePhoto = async (index: number): Promise<Buffer> => {
  const sharp = createRequire(import.meta.url)('sharp') as typeof createSharp;
  const picture = sharp(path.join(sampleFolder, 'samples', PICTURES[index % PICTURES.length] as string));
  const { width, height } = await picture.metadata();
  const cut = CUT * Math.floor(index / PICTURES.length);
  return picture
    .extract({ left: cut, top: cut, width: width - 2 * cut, height: height - 2 * cut })
    .resize({ width: 640, height: 480, fit: 'cover' })
    .jpeg({ quality: 90 })
    .toBuffer();
};

/** Publishes the sample model and takes photos for it. */
export const prepareSample = async (
  { directory, repository, push }: Workbench,
  photoCount: number,
): Promise<Sample> => {
  await push(sampleFolder, SAMPLE);
  const { version, graphs } = await repository.bundle(SAMPLE, 1);
  const file = graphs.model?.file ?? '';
  const graphPath = path.join(directory, 'sample', file);
  await mkdir(path.dirname(graphPath), { recursive: true });
  await writeFile(graphPath, (await repository.store.read(fileKey(SAMPLE, version, file))).body);

  const photoPaths = Array.from({ length: photoCount }, (_, index) => path.join(directory, 'sample', `${index}.jpg`));
  await Promise.all(photoPaths.map(async (photoPath, index) => writeFile(photoPath, await takePhoto(index))));

  const { id2label } = JSON.parse(await readFile(path.join(sampleFolder, 'config.json'), 'utf8'));
  const photoEvent = await postEvent(`/models/${SAMPLE}`, 'image/jpeg', await readFile(photoPaths[0] ?? ''));
  return { graphPath, id2label, photoPaths, photoEvent };
};
