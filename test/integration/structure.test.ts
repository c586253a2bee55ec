import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { assertionRate, type Figures, measure } from '../support/structure/figures.ts';
import { drawRooms } from '../support/structure/rooms.ts';
import { readSources, type Source } from '../support/structure/sources.ts';

/** Most type assertions per 1,000 lines. */
const MOST_ASSERTIONS = 8;

let sources: Source[];
let figures: Figures;

beforeAll(async () => {
  sources = await readSources('.');
  figures = measure(sources);
});

describe('the code', () => {
  it('has no function over 60 lines', () => {
    expect(figures.longFunctions).toEqual([]);
  });

  it('has few type assertions', () => {
    expect(assertionRate(figures)).toBeLessThanOrEqual(MOST_ASSERTIONS);
  });

  it('uses the type any nowhere', () => {
    expect(figures.anys).toEqual([]);
  });

  it('has rooms that import each other in one direction, as docs/architecture.md draws them', async () => {
    expect(await readFile('docs/architecture.md', 'utf8')).toContain(drawRooms(sources));
  });
});
