import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readServiceName } from '../../../../cli/targets/stack.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'service-'));
});
afterEach(() => rm(directory, { recursive: true }));

const nameIn = async (text: string, environment = {}): Promise<string> => {
  await writeFile(join(directory, 'serverless.yml'), text);
  return readServiceName(directory, environment);
};

describe('the name of the service', () => {
  it('of this project is the one that the environment names, and has a default', async () => {
    expect(await readServiceName('.', {})).toBe('onnx-serverless');
    expect(await readServiceName('.', { SERVICE_NAME: 'vision' })).toBe('vision');
  });

  it('is what serverless.yml says when it names no variable', async () => {
    expect(await nameIn('service: mine # of my team\n', { SERVICE_NAME: 'vision' })).toBe('mine');
  });

  it('is asked for when serverless.yml has none', async () => {
    await expect(nameIn('functions: {}\n')).rejects.toThrow('has no line "service: <name>"');
  });
});
