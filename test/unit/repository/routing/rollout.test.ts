import { describe, expect, it } from '@jest/globals';
import type { RoutingChanger } from '../../../../src/repository/routing/change-routing.ts';
import {
  promote,
  ROLL_BACK,
  rollBack,
  setAlias,
  setCanary,
  setShadow,
} from '../../../../src/repository/routing/rollout.ts';
import { type Routing, type Targets, targetsOf } from '../../../../src/repository/routing/routing.ts';

const first: Routing = { formatVersion: 1, stable: 1, aliases: {}, deleted: [], history: [] };

/** The routing after the changes, each with its entry in the history. */
const changed = (...changes: readonly (readonly [action: string, change: RoutingChanger])[]): Routing =>
  changes.reduce<Routing>((current, [action, change]) => {
    const to = targetsOf(change(current) as Targets);
    const entry = { at: '', by: '', note: '', action, from: targetsOf(current), to };
    return { ...first, deleted: current.deleted, ...to, history: [...current.history, entry] };
  }, first);

const promoted = (...versions: number[]) => versions.map((version) => ['promote', promote(version)] as const);
const back = () => [ROLL_BACK, rollBack()] as const;

describe('promote', () => {
  it('ends the canary and the shadow that it makes stable, and no other', () => {
    const canary = { version: 2, weight: 0.1 };
    const shadow = { version: 3, rate: 0.5 };
    const both = changed(['canary', setCanary(canary)], ['shadow', setShadow(shadow)]);

    expect(promote(2)(both)).toEqual({ stable: 2, shadow, aliases: {} });
    expect(promote(3)(both)).toEqual({ stable: 3, canary, aliases: {} });
    expect(promote(4)(both)).toEqual({ stable: 4, canary, shadow, aliases: {} });
  });
});

describe('canary and shadow', () => {
  it('are changed and ended apart from each other', () => {
    const both = changed(
      ['canary', setCanary({ version: 2, weight: 0.1 })],
      ['shadow', setShadow({ version: 2, rate: 1 })],
      ['canary', setCanary({ version: 3, weight: 0.2 })],
    );

    expect(setCanary(undefined)(both)).toEqual({ stable: 1, shadow: { version: 2, rate: 1 }, aliases: {} });
    expect(setShadow(undefined)(both)).toEqual({ stable: 1, canary: { version: 3, weight: 0.2 }, aliases: {} });
  });

  it('cannot be the version that answers anyway', () => {
    expect(() => setCanary({ version: 1, weight: 0.1 })(first)).toThrow('version 1 is stable');
    expect(() => setShadow({ version: 1, rate: 0.1 })(first)).toThrow('version 1 is stable');
  });
});

describe('an alias', () => {
  it('is set, moved and removed', () => {
    const named = changed(
      ['alias', setAlias('best', 2)],
      ['alias', setAlias('worst', 3)],
      ['alias', setAlias('best', 4)],
    );

    expect(named.aliases).toEqual({ worst: 3, best: 4 });
    expect(changed(['alias', setAlias('best', 2)], ['alias', setAlias('best', undefined)]).aliases).toEqual({});
    expect(() => setAlias('best', undefined)(first)).toThrow('no alias best');
  });

  it.each(['a', 'Best_1.0-x', 'v2', 'x'.repeat(100)])('may be %s', (alias) => {
    expect(() => setAlias(alias, 1)).not.toThrow();
  });

  it.each([
    '',
    '1',
    '2a',
    '.',
    '_a',
    'a/b',
    'a b',
    'ä',
    'a\n',
    'x'.repeat(101),
    '__proto__',
    'constructor',
    'prototype',
  ])('may not be %j', (alias) => {
    expect(() => setAlias(alias, 1)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }));
  });
});

describe('rollback', () => {
  it('returns to what was stable before, further each time, and ends canary and shadow', () => {
    const routing = changed(
      ...promoted(2, 3),
      ['canary', setCanary({ version: 4, weight: 0.5 })],
      ['shadow', setShadow({ version: 4, rate: 0.5 })],
      ['alias', setAlias('best', 3)],
    );

    expect(rollBack()(routing)).toEqual({ stable: 2, aliases: { best: 3 } });
    expect(changed(...promoted(2, 3), back(), back()).stable).toBe(1);
    expect(() => changed(...promoted(2, 3), back(), back(), back())).toThrow('version 1 is the first');
  });

  it('does not return to a version that was rolled back from', () => {
    expect(changed(...promoted(2, 3), back(), ...promoted(4), back()).stable).toBe(2);
    expect(changed(...promoted(2, 3), back(), ...promoted(4), back(), back()).stable).toBe(1);
  });

  it('passes over a version that was deleted', () => {
    expect(rollBack()({ ...changed(...promoted(2, 3)), deleted: [2] })).toMatchObject({ stable: 1 });
    expect(() => rollBack()({ ...changed(...promoted(2, 3)), deleted: [1, 2] })).toThrow('is the first');
  });

  it('goes as far back as the history is kept', () => {
    const routing = changed(...promoted(2, 3, 4));

    expect(rollBack()({ ...routing, history: routing.history.slice(-1) })).toMatchObject({ stable: 3 });
  });

  it('does not undo what became stable after it was asked for', () => {
    const change = rollBack();
    change(changed(...promoted(2)));

    expect(() => change(changed(...promoted(2, 3)))).toThrow('version 3 became stable meanwhile, instead of 2');
  });

  it('is refused before anything is published', () => {
    expect(() => rollBack()(undefined)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  });
});
