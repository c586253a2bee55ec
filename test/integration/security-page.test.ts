import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { load } from 'js-yaml';
import { HTTP_API_BODY_BYTES } from '../../src/core/aws-limits.ts';
import { MAX_BEAMS, MAX_TOKENS } from '../../src/generation/generation-config.ts';
import { MAX_AUDIO_SECONDS } from '../../src/media/audio/decode-audio.ts';
import { MAX_AUDIO_FILES } from '../../src/media/audio/input.ts';
import { MAX_PIXELS } from '../../src/media/image/bounds.ts';
import { MAX_ROWS } from '../../src/media/table/rows.ts';
import { MAX_CHARACTERS, MAX_TEXTS } from '../../src/media/text/input.ts';
import { MOST_LEVELS } from '../../src/protocol/json.ts';
import { MAX_INPUT_BYTES, MAX_JSON_BYTES } from '../../src/protocol/task-api/object-reference.ts';

interface Service {
  readonly params: { readonly default: { readonly uploadAttempts: number; readonly uploadConcurrency: number } };
  readonly functions: Readonly<Record<string, { timeout: number }>>;
}

const MIB = 1024 * 1024;
const page = await readFile('docs/security.md', 'utf8');
const text = await readFile('serverless.yml', 'utf8');
const { functions, params } = load(text) as Service;
const count = (value: number): string => value.toLocaleString('en-US');
describe('the limits in docs/security.md', () => {
  it.each([
    ['requests', `${/requestsPerSecond: (\d+)/.exec(text)?.[1]} a second`],
    ['time of a request', `${functions.infer?.timeout} s`],
    ['body of a request', `${HTTP_API_BODY_BYTES / MIB} MiB`],
    ['JSON of a request', `${MOST_LEVELS} levels`],
    ['object that a request refers to', `${MAX_INPUT_BYTES / MIB} MiB, JSON ${MAX_JSON_BYTES / MIB} MiB`],
    ['texts of a request', `${count(MAX_TEXTS)} texts, ${count(MAX_CHARACTERS)} characters`],
    ['rows of a table', count(MAX_ROWS)],
    ['images of a request', `${MAX_PIXELS / 1e6} megapixels`],
    ['audio files of a request', MAX_AUDIO_SECONDS === 3_600 ? 'an hour of sound together' : `${MAX_AUDIO_SECONDS} s`],
    ['audio files of a request', `${MAX_AUDIO_FILES}, `],
    ['search of a translation, summary or transcription', `${MAX_BEAMS} beams, ${count(MAX_TOKENS)} tokens`],
    ['environments', `${params.default.uploadConcurrency} at a time`],
    ['time of a batch', `${functions['on-upload']?.timeout} s`],
    ['attempts', `${params.default.uploadAttempts}, then the dead-letter queue`],
  ])('have the figure of the code for %s', (resource, figure) => {
    const rows = page.split('\n').filter((line) => line.startsWith(`| ${resource} |`));

    expect(rows.join('\n')).toContain(figure);
  });
});

/** The rows of tables whose last column names the tests, by their first cell. */
const claims = page.split('\n\n').flatMap((block) => {
  const [head = '', , ...rows] = block.trim().split('\n');
  return head.endsWith('| shown by |') ? rows.map((row) => [/^\| (.+?) \|/.exec(row)?.[1] ?? '', row] as const) : [];
});

describe('the claims in docs/security.md', () => {
  it('are many, and every table has them but that of the prices', () => {
    expect(claims.length).toBeGreaterThan(50);
    const heads = [...page.matchAll(/^(\|.*\|)\n\|[-:|]+\|$/gm)].map(([, head]) => head);
    expect(heads.filter((head) => !head?.endsWith('| shown by |'))).toEqual(['| environments | an hour | a day |']);
  });

  it.each(claims)('name a test that exists: %s', (_claim, row) => {
    const tests = [...(row.split('|').at(-2) ?? '').matchAll(/`(test\/[\w./-]+)`/g)].map(([, path = '']) => path);
    expect(tests).not.toEqual([]);
    expect(tests.filter((path) => !existsSync(path))).toEqual([]);
  });
});
