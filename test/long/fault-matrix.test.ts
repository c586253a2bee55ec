import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type EmbeddedStorage, startEmbeddedStorage } from '../support/embedded-storage.ts';
import { type Cell, measureMatrix, toPage } from '../support/faults/matrix.ts';
import { OPERATIONS, publishOther } from '../support/faults/operations.ts';
import { FAULTS } from '../support/faulty-proxy.ts';
import { headingsOf } from '../support/page.ts';

const PAGE = 'docs/reliability.md';
const MARK = '<!-- matrix -->';

let storage: EmbeddedStorage;
let cells: Cell[];

beforeAll(async () => {
  storage = await startEmbeddedStorage();
  await publishOther(storage);
  cells = await measureMatrix(storage);
  if (process.env.WRITE_RELIABILITY === undefined) return;
  const [head] = (await readFile(PAGE, 'utf8')).split(MARK);
  await writeFile(PAGE, `${head}${MARK}\n\n${toPage(cells)}`);
}, 600_000);
afterAll(() => storage.stop());

describe.each(OPERATIONS)('$name', (operation) => {
  it.each(FAULTS)('answers behind %s, and rightly after it', (fault) => {
    const cell = cells.find((each) => each.operation === operation && each.fault === fault);

    expect(cell?.during).toMatch(operation.meanwhile ?? /^(?!hangs)/);
    expect(cell?.after).toContainEqual(expect.stringMatching(operation.right));
  });
});

it('The page of the matrix has a section for each operation, with each fault', async () => {
  const page = await readFile(PAGE, 'utf8');

  expect(headingsOf(page, 3)).toEqual(OPERATIONS.map(({ name }) => name));
  for (const fault of FAULTS) expect(page.split(`| ${fault} |`)).toHaveLength(OPERATIONS.length + 1);
});
