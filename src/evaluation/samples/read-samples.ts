import { readdir, stat } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { refuse, ServingError } from '../../core/errors.ts';
import { readCoco } from './coco.ts';
import { readCsvSamples } from './csv.ts';
import { readJsonLines } from './json-lines.ts';
import type { Sample, Samples } from './sample.ts';

type ReadFileSamples = (path: string, labelField: string | undefined) => AsyncIterable<Sample>;

/** Readers of files of samples, by the ends of their names. */
const READERS: Readonly<Record<string, ReadFileSamples>> = {
  '.jsonl': readJsonLines,
  '.ndjson': readJsonLines,
  '.csv': (path, labelField) => readCsvSamples(path, ',', labelField),
  '.tsv': (path, labelField) => readCsvSamples(path, '\t', labelField),
  '.json': readCoco,
};

/** Files of a folder that hold the labels of its other files. */
const LABEL_FILES = [
  ...['labels.csv', 'labels.jsonl', 'metadata.csv', 'metadata.jsonl'],
  ...['annotations.json', '_annotations.coco.json'],
];

/** The files of a folder, each labelled with the subfolder that it lies in. Hidden files are passed over. */
const readFolder = async (folder: string): Promise<Samples> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => !path.split(sep).some((part) => part.startsWith('.')))
    .sort();
  const sizes = await Promise.all(paths.map(async (path) => (await stat(join(folder, path))).size));
  return {
    totalBytes: sizes.reduce((sum, size) => sum + size, 0),
    read: async function* () {
      let endBytes = 0;
      for (const [index, path] of paths.entries()) {
        endBytes += sizes[index] ?? 0;
        const [label, ...below] = path.split(sep);
        const isLabelled = below.length > 0;
        yield {
          place: path,
          input: { file: join(folder, path) },
          label: isLabelled ? label : undefined,
          fields: [],
          endBytes,
        };
      }
    },
  };
};

/**
 * The samples at `path`: a file of JSON Lines, CSV or COCO, a folder with a file of labels, or a folder with a subfolder for each label.
 * @param labelField the field or column with the label; default: the first of `LABEL_FIELDS`
 * @throws `NOT_FOUND`, `INVALID_REQUEST`
 */
export const openSamples = async (path: string, labelField?: string): Promise<Samples> => {
  const found = await stat(path).catch((error) => {
    throw new ServingError('NOT_FOUND', `there is no file or folder ${path}`, { cause: error });
  });
  if (found.isDirectory()) {
    const names = await readdir(path);
    const labels = LABEL_FILES.find((name) => names.includes(name));
    return labels === undefined ? readFolder(path) : openSamples(join(path, labels), labelField);
  }
  const read = READERS[extname(path).toLowerCase()];
  if (read === undefined)
    return refuse(
      'INVALID_REQUEST',
      `${path} is no data set: expected ${Object.keys(READERS).join(', ')}, or a folder with a subfolder for each label`,
    );
  return { totalBytes: found.size, read: () => read(path, labelField) };
};
