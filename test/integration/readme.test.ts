import { access, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { LabelScore } from '../../src/tasks/scores.ts';
import { createTestServing, publishSample, type TestServing } from '../support/serving.ts';

const readme = await readFile('README.md', 'utf8');

describe('the README', () => {
  let serving: TestServing;
  beforeAll(async () => {
    serving = await createTestServing();
    await publishSample(serving.repository, 'efficientnet-lite0');
  });
  afterAll(() => serving.remove());

  it('shows the real answer to its curl', async () => {
    const [, contentType = '', photo = '', url = ''] =
      /curl -H 'content-type: (\S+)' --data-binary @(\S+) (\S+)/.exec(readme) ?? [];
    const shown = JSON.parse(/```json\n([\s\S]*?)```/.exec(readme)?.[1] ?? '') as LabelScore[];

    const response = await serving.fetch(new URL(url).pathname, {
      method: 'POST',
      body: await readFile(photo),
      headers: { 'content-type': contentType },
    });

    const answer = (await response.json()) as LabelScore[];
    expect(answer.map(({ label }) => label)).toEqual(shown.map(({ label }) => label));
    answer.forEach(({ score }, rank) => {
      expect(score).toBeCloseTo(shown[rank]?.score ?? 0, 3);
    });
  });

  it.each([...readme.matchAll(/\]\((?!https)([^)#]+)\)/g)].map(([, link]) => link ?? ''))(
    'links to a file that exists: %s',
    async (link) => {
      await expect(access(link)).resolves.toBeUndefined();
    },
  );
});
