import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { load } from 'js-yaml';
import { noteOnTmp, TEMPLATE_TMP_MB, TEMPLATE_TMP_SHARE } from '../../../src/authoring/tmp-need.ts';

const MB = 1024 * 1024;

describe('the note on the files of a model', () => {
  it('a note on /tmp is left out when the template has enough', () => {
    expect(noteOnTmp(921 * MB)).toEqual([]);
  });

  it('a note on /tmp names the size of the files and the parameter that fits', () => {
    expect(noteOnTmp(1_500 * MB)).toEqual([
      'a function loads 1500 MB of files; it needs the parameter tmpSize=1667 (the template has 1024): ' +
        'npx sls deploy --param="tmpSize=1667"',
    ]);
  });

  it('a note on /tmp says that no function is large enough', () => {
    expect(noteOnTmp(9_900 * MB)).toEqual([expect.stringContaining('none has the 11000 MB of /tmp')]);
  });

  it('notes on /tmp go by the parameters of the template', async () => {
    const template = load(await readFile('serverless.yml', 'utf8'));

    expect(template).toMatchObject({
      params: { default: { tmpSize: TEMPLATE_TMP_MB, modelTmpShare: TEMPLATE_TMP_SHARE } },
    });
  });
});
