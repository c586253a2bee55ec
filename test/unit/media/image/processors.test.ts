import { readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import { PROCESSORS } from '../../../../src/media/image/processors.ts';

interface Reference {
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly cases: readonly { readonly config: { readonly image_processor_type: string } }[];
}

/** The references of these are Ultralytics, in `object-detection`, and timm, in `timm-preprocessing.json`. */
const OF_OTHERS = ['LetterBox', 'TimmWrapper'];

const text = await readFile('test/fixtures/reference/image-preprocessing.json', 'utf8');
const { defaults, cases } = JSON.parse(text) as Reference;
const compared = new Set(cases.map(({ config }) => config.image_processor_type));
const names = Object.keys(PROCESSORS)
  .filter((name) => !OF_OTHERS.includes(name))
  .map((name) => `${name}ImageProcessor`);

it.each(names)('%s is compared with the reference: its defaults, and pixels of an image', (name) => {
  expect({ inDefaults: Object.hasOwn(defaults, name), inCases: compared.has(name) }).toEqual({
    inDefaults: true,
    inCases: true,
  });
});

it('docs/parity.md says how many image processors are compared, in how many configurations', async () => {
  const [figures] = /\d+ configurations of \d+ image processors/.exec(await readFile('docs/parity.md', 'utf8')) ?? [];
  expect(figures).toBe(`${cases.length} configurations of ${names.length} image processors`);
});

it('the list of image processors is in the order of the alphabet', () => {
  expect(Object.keys(PROCESSORS)).toEqual(Object.keys(PROCESSORS).sort());
});
