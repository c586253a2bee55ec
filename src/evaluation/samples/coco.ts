import { access, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import * as v from 'valibot';
import { refuse, ServingError } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import type { Sample } from './sample.ts';

const idSchema = v.union([v.number(), v.string()]);

/** The parts of an annotation file that labels need. https://cocodataset.org/#format-data */
const cocoSchema = v.object({
  images: v.array(v.object({ id: idSchema, file_name: v.pipe(v.string(), v.minLength(1)) })),
  annotations: v.array(
    v.object({
      image_id: idSchema,
      category_id: idSchema,
      /** Left, top, width and height in pixels. */
      bbox: v.tuple([v.number(), v.number(), v.number(), v.number()]),
      iscrowd: v.optional(v.union([v.number(), v.boolean()]), 0),
    }),
  ),
  categories: v.array(v.object({ id: idSchema, name: v.string() })),
});

type Coco = v.InferOutput<typeof cocoSchema>;

const parseCoco = async (path: string): Promise<Coco> => {
  const name = basename(path);
  const text = await readFile(path, 'utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ServingError('INVALID_INPUT', `${name} is no JSON: ${ServingError.from(error).message}`, {
      cause: error,
    });
  }
  const parsed = v.safeParse(cocoSchema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const place = v.getDotPath(issue) ?? 'it';
  return refuse(
    'INVALID_INPUT',
    `${name} is no annotation file of COCO with boxes: ${place} is ${show(issue.input)}, expected ${issue.expected ?? 'another value'}`,
  );
};

/** Folders that may hold the images of an annotation file: its own, `images`, and beside `annotations` the folder of the set's name. */
const foldersOf = (path: string): string[] => {
  const folder = dirname(path);
  const set = basename(path, '.json').replace(/^instances_/, '');
  return [
    folder,
    join(folder, 'images'),
    join(folder, '..', set),
    join(folder, '..', 'images'),
    join(folder, '..', 'images', set),
  ];
};

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** The folder with the first image. @throws `NOT_FOUND` naming those that were looked into */
const findFolder = async (path: string, { images: [first] }: Coco): Promise<string> => {
  const folders = foldersOf(path);
  for (const folder of folders)
    if (first === undefined || (await isThere(join(folder, first.file_name)))) return folder;
  return refuse('NOT_FOUND', `${first?.file_name} of ${basename(path)} is in none of ${folders.join(', ')}`);
};

/**
 * The images of an annotation file of COCO, each with its objects as labels; an image without any has an empty list.
 * @throws `INVALID_INPUT`; `NOT_FOUND` when the images cannot be found
 */
export async function* readCoco(path: string): AsyncGenerator<Sample> {
  const coco = await parseCoco(path);
  const bytesPerImage = (await stat(path)).size / coco.images.length;
  const folder = await findFolder(path, coco);
  const names = new Map(coco.categories.map(({ id, name }) => [id, name]));
  const byImage = Map.groupBy(coco.annotations, ({ image_id: id }) => id);
  for (const [index, { id, file_name: file }] of coco.images.entries()) {
    const label = (byImage.get(id) ?? []).map(
      ({ category_id: category, bbox: [left, top, width, height], iscrowd }) => ({
        label:
          names.get(category) ??
          refuse('INVALID_INPUT', `${basename(path)} has no category ${category}, which a box of ${file} has`),
        box: { xmin: left, ymin: top, xmax: left + width, ymax: top + height },
        crowd: Boolean(iscrowd),
      }),
    );
    const place = `${file} of ${basename(path)}`;
    yield {
      place,
      input: { file: resolve(folder, file) },
      label,
      fields: ['file_name', 'label'],
      endBytes: Math.round(bytesPerImage * (index + 1)),
    };
  }
}
