import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { load } from 'js-yaml';
import { readEvents } from '../support/deployed-function.ts';

interface ServiceFile {
  readonly functions: Readonly<
    Record<string, { readonly handler: string; readonly role: string; readonly package: { patterns: string[] } }>
  >;
  readonly resources: { readonly Resources: Readonly<Record<string, { readonly Type: string }>> };
}

const { functions, resources } = load(await readFile('serverless.yml', 'utf8')) as ServiceFile;
const folders = await readdir('functions');

it('serverless.yml deploys each folder of functions, and nothing else', () => {
  expect(Object.keys(functions).sort()).toEqual(folders.sort());
});

it('each file of events belongs to a function', async () => {
  const known = await Promise.all(folders.map(readEvents));
  expect(known.flatMap((events) => [...events.keys()]).sort()).toEqual((await readdir('events')).sort());
});

describe.each(folders)('the function %s', (name) => {
  it('runs the handler of its folder, packaged alone', () => {
    expect(functions[name]).toMatchObject({
      handler: `functions/${name}/handler.handler`,
      package: { patterns: ['!functions/**', `functions/${name}/*.mjs`] },
    });
  });

  it('has a role that no other function has', () => {
    const role = functions[name]?.role ?? 'none';
    expect({ role, type: resources.Resources[role]?.Type }).toEqual({ role, type: 'AWS::IAM::Role' });
    expect(Object.keys(functions).filter((other) => functions[other]?.role === role)).toEqual([name]);
  });

  it('is named by the glossary', async () => {
    const term = (await readFile('docs/glossary.md', 'utf8'))
      .split('\n')
      .find((line) => line.startsWith('| function |'));
    expect(term).toContain(`\`${name}\``);
  });

  it('has an event in the folder of events', async () => {
    expect((await readEvents(name)).size).toBeGreaterThan(0);
  });

  it('has a test that runs its bundle', async () => {
    const path = `test/functions/${name}.test.ts`;
    const runsBundle = existsSync(path) && (await readFile(path, 'utf8')).includes(`deployFunction('${name}'`);
    expect({ path, runsBundle }).toEqual({ path, runsBundle: true });
  });
});
