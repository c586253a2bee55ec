import { describe, expect, it } from '@jest/globals';
import { parseCatalogue, parseUsers } from '../../../../src/tasks/recommendation/catalogue.ts';

const bytes = (...lines: unknown[]): Uint8Array =>
  Buffer.from(lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));

describe('a catalogue', () => {
  it('has items with their metadata, in order, and says what is popular', () => {
    const { items, indexOf, popularity } = parseCatalogue(
      bytes({ id: 'b', popularity: 3, title: 'Tea', tags: ['x'] }, '', { id: 7, popularity: 1.5 }, ''),
    );
    expect(items).toEqual([{ id: 'b', title: 'Tea', tags: ['x'] }, { id: '7' }]);
    expect([...indexOf]).toEqual([
      ['b', 0],
      ['7', 1],
    ]);
    expect(popularity).toEqual(Float64Array.of(3, 1.5));
  });

  it('need not say what is popular', () => {
    expect(parseCatalogue(bytes({ id: 'a' })).popularity).toBeUndefined();
  });

  it.each<[string, Uint8Array, string]>([
    ['nothing', bytes(''), 'items.jsonl is empty'],
    ['what is no UTF-8', Buffer.from('{"id": "é"}', 'latin1'), 'items.jsonl is not UTF-8'],
    ['what is no JSON', bytes({ id: 'a' }, '{'), 'items.jsonl, entry 2 is not JSON'],
    ['no id', bytes({ name: 'a' }), 'items.jsonl, entry 1 is {"name":"a"}, expected {"id": …}'],
    ['an empty id', bytes({ id: '' }), 'entry 1'],
    ['null', bytes('null'), 'entry 1 is null'],
    ['an id twice', bytes({ id: 1 }, { id: '1' }), 'entry 2: the id "1" is there twice'],
    ['popularity for some', bytes({ id: 'a', popularity: 1 }, { id: 'b' }), 'item "b" has no "popularity"'],
    ['popularity that is no number', bytes({ id: 'a', popularity: '1' }), 'popularity of item "a" is "1"'],
    ['a score', bytes({ id: 'a', score: 1 }), 'item "a" has a "score"'],
  ])('is refused for %s', (_what, file, message) => {
    expect(() => parseCatalogue(file)).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringContaining(message) }),
    );
  });
});

describe('users', () => {
  const catalogue = parseCatalogue(bytes({ id: 'a' }, { id: 'b' }));

  it('have histories of items in the catalogue, or none', () => {
    const { indexOf, histories } = parseUsers(bytes({ id: 17, history: ['b', 'a'] }, { id: 'x' }), catalogue);
    expect([...indexOf.keys()]).toEqual(['17', 'x']);
    expect(histories).toEqual([[1, 0], []]);
  });

  it.each<[string, Uint8Array, string]>([
    [
      'an item that is not',
      bytes({ id: 'x', history: ['a', 'c'] }),
      'user "x" has the item "c", which items.jsonl lacks',
    ],
    ['a history that is no list', bytes({ id: 'x', history: 'a' }), 'the history of user "x" is no list'],
  ])('are refused for %s', (_what, file, message) => {
    expect(() => parseUsers(file, catalogue)).toThrow(
      expect.objectContaining({ code: 'MODEL_INVALID', message: expect.stringContaining(message) }),
    );
  });
});
