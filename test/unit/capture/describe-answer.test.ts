import { readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import { describeAnswer } from '../../../src/capture/describe-answer.ts';
import { project } from '../../../src/capture/projections.ts';
import { jsonAnswer } from '../../../src/core/answer.ts';
import { NEVER } from '../../../src/core/deadline.ts';
import { tensor } from '../../../src/core/tensor.ts';
import { describeAudio } from '../../../src/media/audio/features.ts';
import { createSilence } from '../../../src/media/audio/wav.ts';

const box = { xmin: 0, ymin: 0, xmax: 1, ymax: 1 };
const sure = { label: 'a', score: 0.8 };
const other = { label: 'b', score: 0.2 };

it.each([
  [
    'text-classification',
    [[sure, other]],
    [{ label: 'a', score: 0.8, margin: expect.closeTo(0.6), entropy: expect.closeTo(0.5004, 4) }],
  ],
  ['image-classification', [sure], [{ label: 'a', score: 0.8, margin: 0.8, entropy: expect.closeTo(0.5004, 4) }]],
  [
    'image-classification',
    [[sure], [other]],
    [expect.objectContaining({ label: 'a' }), expect.objectContaining({ label: 'b' })],
  ],
  ['tabular-classification', ['a', 'b'], [{ label: 'a' }, { label: 'b' }]],
  ['tabular-regression', [1.5, [2, 3]], [{ value: 1.5 }, { value: 2 }]],
  [
    'object-detection',
    [
      { ...sure, box },
      { ...other, box },
    ],
    [{ boxes: 2, label: 'a', score: 0.8 }],
  ],
  ['object-detection', [], [{ boxes: 0 }]],
  ['token-classification', [{ entity: 'PER', score: 1, word: 'A', start: 0, end: 1 }], [{ length: 1 }]],
  ['translation', [{ translation_text: 'Guten Tag' }], [{ length: 9 }]],
  ['summarization', [{ summary_text: 'Short' }, { summary_text: 'a' }], [{ length: 5 }, { length: 1 }]],
  ['automatic-speech-recognition', { text: 'hello' }, [{ length: 5 }]],
  [
    'recommendation',
    {
      ranked_by: 'model',
      items: [
        { id: 7, score: 3 },
        { id: 8, score: 1 },
      ],
    },
    [{ label: '7', score: 3, margin: 2 }],
  ],
  ['recommendation', { ranked_by: 'model', items: [] }, [{}]],
  ['a task of an extension', { anything: true }, [{}]],
  ['text-classification', undefined, [{}]],
])('an answer of %s is described: %j', (task, value, expected) => {
  expect(describeAnswer(jsonAnswer(value), task)).toEqual(expected);
});

it('tensors and bytes are described by their one number and their length', () => {
  const outputs = { a: tensor('float32', [1], Float32Array.of(2.5)), b: tensor('float32', [2], Float32Array.of(1, 2)) };
  expect(describeAnswer({ kind: 'tensors', id: undefined, outputs, binary: new Set() }, 'tensor')).toEqual([
    { value: 2.5 },
  ]);
  expect(describeAnswer({ kind: 'bytes', data: new Uint8Array(3), contentType: 'image/png' }, 'x')).toEqual([
    { length: 3 },
  ]);
});

it('an embedding is projected the same way in every process', () => {
  const vector = Array.from({ length: 384 }, (_, index) => Math.sin(index));
  const [{ projections = [] } = {}] = describeAnswer(jsonAnswer([vector]), 'feature-extraction');
  expect(projections).toHaveLength(16);
  expect(projections).toEqual(project(vector));
  expect(project([1, 0, 0, 0]).map(Math.abs)).toEqual(Array.from({ length: 16 }, () => 0.5));
  const length = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number ** 2, 0);
  expect(length(projections) / 16).toBeGreaterThan(0.3 * (length(vector) / 384));
});

it('audio is described by its length, its loudness and its clipped share', async () => {
  const silence = { files: [createSilence(1, 16_000)], isList: false };
  expect(await describeAudio(silence, NEVER)).toEqual([{ seconds: 1, loudness: -120, clipped_share: 0 }]);
});

it('the page on monitoring names each field of a record', async () => {
  const page = await readFile('docs/monitoring.md', 'utf8');
  for (const field of ['id', 'row', 'arm', 'source', 'status', 'latency_ms', 'sha256', 'features', 'projections'])
    expect(page).toContain(`\`${field}\``);
});
