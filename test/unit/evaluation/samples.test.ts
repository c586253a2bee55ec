import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openSamples } from '../../../src/evaluation/samples/read-samples.ts';
import type { Sample } from '../../../src/evaluation/samples/sample.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'samples-'));
});
afterEach(() => rm(root, { recursive: true }));

const write = async (name: string, text: string | Uint8Array): Promise<string> => {
  const path = join(root, name);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, text);
  return path;
};

const readAll = async (path: string, labelField?: string): Promise<Sample[]> => {
  const samples: Sample[] = [];
  for await (const sample of (await openSamples(path, labelField)).read()) samples.push(sample);
  return samples;
};

const read = async (name: string, text: string | Uint8Array, labelField?: string) =>
  (await readAll(await write(name, text), labelField)).map(({ input, label }) => ({ input, label }));

describe('JSON Lines', () => {
  it.each([
    ['inputs', '{"inputs": [1, 2], "label": "a"}', { json: [1, 2] }, 'a'],
    ['a text alone', '{"text": "fine", "target": "bien"}', { json: 'fine' }, 'bien'],
    ['a pair', '{"text": "a", "text_pair": "b", "label": 1}', { json: { text: 'a', text_pair: 'b' } }, 1],
    ['a row', '{"age": 3, "fare": 2.5, "value": 7}', { json: { age: 3, fare: 2.5 } }, 7],
    ['no label', '{"inputs": "a"}', { json: 'a' }, undefined],
    ['an empty label', '{"inputs": "a", "label": null}', { json: 'a' }, undefined],
    ['no object', '{"inputs": "a", "labels": []}', { json: 'a' }, []],
  ])('holds %s', async (_name, line, input, label) => {
    expect(await read('data.jsonl', `${line}\n`)).toEqual([{ input, label }]);
  });

  it('names files relative to itself, or by their whole path', async () => {
    const lines = '{"file": "a/b.jpg", "label": "x"}\n{"file_name": "/c.jpg", "label": "y"}';
    expect(await read('data.jsonl', lines)).toEqual([
      { input: { file: join(root, 'a/b.jpg') }, label: 'x' },
      { input: { file: '/c.jpg' }, label: 'y' },
    ]);
  });

  it('turns tags of tokens into places of the text', async () => {
    const line = { tokens: ['Sarah', 'Connor', 'saw', 'Zürich'], labels: ['B-PER', 'I-PER', 'O', 'B-LOC'] };
    expect(await read('data.jsonl', JSON.stringify(line))).toEqual([
      {
        input: { json: 'Sarah Connor saw Zürich' },
        label: [
          { label: 'PER', start: 0, end: 12 },
          { label: 'LOC', start: 17, end: 23 },
        ],
      },
    ]);
  });

  it('passes over empty lines, which count', async () => {
    const samples = await readAll(await write('data.jsonl', '\r\n{"inputs": 1, "label": 2}\r\n\n'));
    expect(samples).toMatchObject([{ place: 'line 2 of data.jsonl', label: 2 }]);
  });

  it('is read in pieces: 100,000 lines longer than a piece of the file', async () => {
    const line = (index: number): string => JSON.stringify({ inputs: `${index} ${'é'.repeat(20)}`, label: index });
    const path = await write('data.jsonl', Array.from({ length: 100_000 }, (_, index) => line(index)).join('\n'));
    const samples = await openSamples(path);
    let [count, endBytes] = [0, 0];
    for await (const sample of samples.read()) {
      if (sample.label !== count) throw new Error(`${sample.place} has the label ${sample.label}`);
      count += 1;
      endBytes = sample.endBytes;
    }
    expect(count).toBe(100_000);
    expect(endBytes).toBe(samples.totalBytes + 1);
  });

  it.each([
    ['{"inputs": 1, "label": 1}\n{oops\n', /^line 2 of data\.jsonl is no JSON in UTF-8: .*position 1$/],
    [Buffer.from([0x7b, 0xff, 0x7d]), /^line 1 of data\.jsonl is no JSON in UTF-8/],
    ['[1]', /^line 1 of data\.jsonl is \[1\], expected an object/],
    ['{"label": 1}', /^line 1 of data\.jsonl has no input: expected "inputs"/],
    ['{"file": 3, "label": 1}', /^line 1 of data\.jsonl: "file" is 3, expected the path/],
    ['{"tokens": ["a", "b"], "labels": ["O"]}', /^line 1 of data\.jsonl has 2 tokens and 1 labels/],
  ])('is refused with the number of the line: %j', async (text, message) => {
    await expect(read('data.jsonl', text)).rejects.toThrow(message);
  });
});

describe('CSV', () => {
  it('has a header, quotes, and a label column at any place', async () => {
    expect(await read('data.csv', '\ufefflabel,text\r\ngood,"a, ""b"""\r\n,c\r\n')).toEqual([
      { input: { json: 'a, "b"' }, label: 'good' },
      { input: { json: 'c' }, label: undefined },
    ]);
  });

  it('separated by tabs has its quotes as they are', async () => {
    expect(await read('data.tsv', 'text\tlabel\n"a" b\t1\n')).toEqual([{ input: { json: '"a" b' }, label: '1' }]);
  });

  it('gives rows of all columns but the label', async () => {
    const rows = await read('data.csv', 'age,label,class\n3,x,yes\n', 'class');
    expect(rows).toEqual([{ input: { json: { age: '3', label: 'x' } }, label: 'yes' }]);
  });

  it.each([
    ['a,b\n1,2\n', 'class', /^data\.csv has no column "class"; it has a, b$/],
    ['a,a\n1,2\n', undefined, /^the header of data\.csv has the column "a" twice$/],
    ['a,label\n1,2\n3\n', undefined, /^line 3 of data\.csv has 1 values, expected 2 as the header$/],
    ['a,label\n"1,2\n', undefined, /data\.csv is no CSV: /],
  ])('is refused: %j', async (text, labelField, message) => {
    await expect(read('data.csv', text, labelField)).rejects.toThrow(message);
  });
});

describe('a folder', () => {
  it('has a subfolder for each label; hidden files do not count', async () => {
    for (const name of ['cat/1.jpg', 'cat/more/2.jpg', 'dog/3.jpg', 'dog/.DS_Store', '.git/x'])
      await write(name, 'abc');
    const samples = await readAll(root);
    expect(samples.map(({ place, label }) => [place, label])).toEqual([
      ['cat/1.jpg', 'cat'],
      ['cat/more/2.jpg', 'cat'],
      ['dog/3.jpg', 'dog'],
    ]);
    expect(samples.map(({ endBytes }) => endBytes)).toEqual([3, 6, 9]);
  });

  it('has its labels in a file', async () => {
    await write('a.jpg', 'abc');
    await write('labels.csv', 'file,label\na.jpg,cat\n');
    expect(await readAll(root)).toMatchObject([{ input: { file: join(root, 'a.jpg') }, label: 'cat' }]);
  });

  it('of no samples has none', async () => {
    expect(await readAll(root)).toEqual([]);
  });
});

describe('an annotation file of COCO', () => {
  const coco = {
    images: [
      { id: 7, file_name: 'a.jpg', width: 100, height: 80 },
      { id: 9, file_name: 'b.jpg' },
    ],
    annotations: [
      { id: 1, image_id: 7, category_id: 3, bbox: [10, 20, 30, 40], iscrowd: 0, area: 1200, segmentation: [] },
      { id: 2, image_id: 7, category_id: 4, bbox: [1.5, 2, 3, 4], iscrowd: 1 },
    ],
    categories: [
      { id: 3, name: 'cat' },
      { id: 4, name: 'dog' },
    ],
  };
  const text = JSON.stringify(coco);

  it('has boxes as corners, and an image without objects', async () => {
    await write('a.jpg', '');
    expect(await read('boxes.json', text)).toEqual([
      {
        input: { file: join(root, 'a.jpg') },
        label: [
          { label: 'cat', box: { xmin: 10, ymin: 20, xmax: 40, ymax: 60 }, crowd: false },
          { label: 'dog', box: { xmin: 1.5, ymin: 2, xmax: 4.5, ymax: 6 }, crowd: true },
        ],
      },
      { input: { file: join(root, 'b.jpg') }, label: [] },
    ]);
    const samples = await readAll(join(root, 'boxes.json'));
    expect(samples.map(({ place }) => place)).toEqual(['a.jpg of boxes.json', 'b.jpg of boxes.json']);
    expect(samples.at(-1)?.endBytes).toBe(text.length);
  });

  it.each([
    ['beside it', 'annotations.json', 'a.jpg', ''],
    ['in images', 'annotations.json', 'images/a.jpg', ''],
    [
      'as COCO lays them out',
      'annotations/instances_val2017.json',
      'val2017/a.jpg',
      'annotations/instances_val2017.json',
    ],
  ])('finds its images %s', async (_name, file, image, data) => {
    await write(file, text);
    await write(image, '');
    expect(await readAll(join(root, data))).toMatchObject([{ input: { file: join(root, image) } }, {}]);
  });

  it.each([
    ['no JSON', '{', /boxes\.json is no JSON: /],
    [
      'another document',
      '{"a": 1}',
      /boxes\.json is no annotation file of COCO with boxes: images is undefined, expected /,
    ],
    [
      'a box of three numbers',
      JSON.stringify({ ...coco, annotations: [{ image_id: 7, category_id: 3, bbox: [1, 2, 3] }] }),
      /annotations\.0\.bbox\.3 is undefined, expected /,
    ],
    [
      'an unknown category',
      JSON.stringify({ ...coco, categories: [] }),
      /boxes\.json has no category 3, which a box of a\.jpg has/,
    ],
  ])('is refused with %s', async (_name, content, message) => {
    await write('a.jpg', '');
    await expect(read('boxes.json', content)).rejects.toThrow(message);
  });

  it('is refused without its images, and says where they were looked for', async () => {
    await expect(read('boxes.json', text)).rejects.toThrow(/a\.jpg of boxes\.json is in none of .*, .*images, .*boxes/);
  });
});

it.each([
  ['missing.jsonl', /^there is no file or folder .*missing\.jsonl$/],
  ['data.parquet', /^.*data\.parquet is no data set: expected \.jsonl, \.ndjson, \.csv, \.tsv, \.json, or a folder/],
])('%s is refused', async (name, message) => {
  await write('data.parquet', 'PAR1');
  await expect(openSamples(join(root, name))).rejects.toThrow(message);
});
