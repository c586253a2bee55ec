import { expect, it } from '@jest/globals';
import { ordinaryBackground } from '../../../src/serving/background.ts';
import { createLater } from '../../../src/serving/later.ts';

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

it('does work once the answer is out', async () => {
  const done: string[] = [];
  const { later } = createLater(ordinaryBackground);
  const answer = async () => {
    later(() => done.push('report'));
    return 'answer';
  };

  done.push(await answer());
  while (done.length < 2) await turn();

  expect(done).toEqual(['answer', 'report']);
});

it('does the work at once when the process ends before, in order and a single time', async () => {
  const done: number[] = [];
  const { later, now } = createLater(ordinaryBackground);
  for (const number of [1, 2, 3]) later(() => done.push(number));

  now();

  expect(done).toEqual([1, 2, 3]);
  await turn();
  expect(done).toHaveLength(3);
});

it('does the work before the runs of other work that follows the answer', async () => {
  const done: string[] = [];
  const { later } = createLater(ordinaryBackground);
  ordinaryBackground.defer(async () => {
    setImmediate(() => done.push('run')); // so the runtime begins one
  });
  const startMs = performance.now();
  while (performance.now() - startMs < 3); // a long answer
  later(() => done.push('report'));

  while (done.length < 2) await turn();

  expect(done).toEqual(['report', 'run']);
});
