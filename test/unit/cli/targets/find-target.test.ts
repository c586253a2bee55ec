import { describe, expect, it } from '@jest/globals';
import { findTarget } from '../../../../cli/targets/find-target.ts';

describe('the commands that a message gives', () => {
  it.each([
    ['models', ' --store models'],
    ['my models', " --store 'my models'"],
    ["Zoë's", " --store 'Zoë'\\''s'"],
  ])('name the directory %s as a shell reads it', async (directory, options) => {
    const target = await findTarget({ store: directory }, '.', { mayCreate: true });

    expect(target.options).toBe(options);
    await target.close();
  });
});
