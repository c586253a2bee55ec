import { readdirSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { load } from 'js-yaml';

interface Manifest {
  readonly version: string;
  readonly devDependencies: Readonly<Record<string, string>>;
}
interface Update {
  readonly 'package-ecosystem': string;
  readonly directory: string;
  readonly schedule: { readonly interval: string };
}
interface Field {
  readonly type: string;
  readonly id?: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}
interface Form {
  readonly name: string;
  readonly description: string;
  readonly body: readonly Field[];
}

const readText = (file: string): Promise<string> => readFile(file, 'utf8');
const readJson = async <T>(file: string): Promise<T> => JSON.parse(await readText(file)) as T;
const readYaml = async <T>(file: string): Promise<T> => load(await readText(file)) as T;

const manifest = await readJson<Manifest>('package.json');

it('the version of package.json stands in package-lock.json', async () => {
  const lock = await readJson<{ version: string; packages: Record<string, { version: string }> }>('package-lock.json');
  expect([lock.version, lock.packages['']?.version]).toEqual([manifest.version, manifest.version]);
});

describe('the version of Node', () => {
  it('is the same in .nvmrc and package.json', async () => {
    expect((await readText('.nvmrc')).trim()).toBe(manifest.devDependencies.node);
  });

  it('has the same major number in the development container and the Lambda runtime', async () => {
    const [major] = manifest.devDependencies.node?.split('.') ?? [];
    const { image } = await readJson<{ image: string }>('.devcontainer/devcontainer.json');
    const { provider } = await readYaml<{ provider: { runtime: string } }>('serverless.yml');
    expect(image).toMatch(new RegExp(`:${major}$`));
    expect(provider.runtime).toBe(`nodejs${major}.x`);
  });
});

it('editors indent and wrap as the formatter does', async () => {
  const { formatter } = await readJson<{ formatter: Record<string, unknown> }>('biome.json');
  const [, everyFile = ''] = (await readText('.editorconfig')).split(/^\[/m);
  expect(
    Object.fromEntries([...everyFile.matchAll(/^(\w+) = (\w+)$/gm)].map(([, key, value]) => [key, value])),
  ).toEqual(
    expect.objectContaining({
      indent_style: formatter.indentStyle,
      indent_size: String(formatter.indentWidth),
      max_line_length: String(formatter.lineWidth),
    }),
  );
});

it('dependency updates look where the dependencies are', async () => {
  const { updates } = await readYaml<{ updates: Update[] }>('.github/dependabot.yml');
  const declared: Record<string, string> = {
    npm: 'package-lock.json',
    pip: 'requirements.txt',
    'github-actions': '.github',
  };

  const places = updates.map(({ 'package-ecosystem': ecosystem, directory }) => `${ecosystem} ${directory}`);
  expect(places).toEqual(['npm /', 'github-actions /', 'pip /test/e2e', 'pip /test/reference']);
  for (const { 'package-ecosystem': ecosystem, directory } of updates)
    expect(readdirSync(`.${directory}`)).toContain(declared[ecosystem]);
});

describe('issue forms', () => {
  const folder = '.github/ISSUE_TEMPLATE';

  it('are complete, with a name of its own for every field', async () => {
    const files = (await readdir(folder)).filter((file) => file !== 'config.yml');
    expect(files.sort()).toEqual(['bug.yml', 'feature.yml']);
    for (const file of files) {
      const { name, description, body } = await readYaml<Form>(`${folder}/${file}`);
      expect([name, description]).toEqual([expect.any(String), expect.any(String)]);
      const fields = body.filter(({ type }) => type !== 'markdown');
      expect(new Set(fields.map(({ id }) => id)).size).toBe(fields.length);
      for (const { type, attributes } of fields) {
        expect(['dropdown', 'input', 'textarea']).toContain(type);
        expect(attributes).toHaveProperty('label');
        if (type === 'dropdown') expect(attributes.options).not.toHaveLength(0);
      }
    }
  });

  it('ask the reporter of a bug for its model, command, output, version and processor', async () => {
    const { body } = await readYaml<Form>(`${folder}/bug.yml`);
    expect(body.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['model', 'command', 'output', 'version', 'processor']),
    );
    expect(JSON.stringify(body)).toContain('npx onnx-serverless --version');
  });
});
