import { access, readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import { REFUSED_FORMATS } from '../../src/formats/refused-formats.ts';
import { anchorsOf, localLinks } from '../support/page.ts';
import { IMPORT_BLOCK, IMPORT_PAGE, recordedFolders, toImportTables } from '../support/parity/imported-tables.ts';
import { parityBlock } from '../support/parity/page-bars.ts';

const page = await readFile(IMPORT_PAGE, 'utf8');

it('the page of imported models has the tables of all records', async () => {
  const [, , tables] = parityBlock(IMPORT_BLOCK).exec(page) ?? [];
  expect(tables).toBe(await toImportTables());
  for (const folder of await recordedFolders()) expect(tables).toContain(`test/fixtures/formats/${folder}/parity.json`);
});

it('the links of the page of imported models resolve', async () => {
  for (const link of localLinks(page)) {
    const [path = '', anchor] = link.split('#');
    const target = `docs/${path}`;
    await access(target);
    if (anchor !== undefined) expect(anchorsOf(await readFile(target, 'utf8'))).toContain(anchor);
  }
});

/** Words of the page for formats whose own names are short. */
const WORDS: Readonly<Record<string, string>> = {
  ...{
    torch: 'torch.save',
    'torch-legacy': 'torch.save',
    'torch-script': 'TorchScript',
    'torch-export': 'torch.export',
  },
  ...{ 'torch-pickle': 'pickles', 'saved-model': 'SavedModel', 'frozen-graph': 'frozen graphs', tflite: 'Lite' },
  ...{
    'xgboost-binary': 'binary format of XGBoost',
    'core-ml': 'Core ML',
    'core-ml-package': 'Core ML',
    paddle: 'Paddle',
  },
  ...{ 'spark-ml': 'Spark ML', ort: 'ORT format', 'git-lfs': 'Git LFS', 'web-page': 'web pages', empty: 'empty files' },
  ...{ gzip: 'gzip', hdf5: '.h5', zip: 'skops', r: ' R,' },
};

it.each(Object.keys(REFUSED_FORMATS))('the page of imported models names the refused format %s', (format) => {
  expect(page.toLowerCase()).toContain((WORDS[format] ?? format).toLowerCase());
});
