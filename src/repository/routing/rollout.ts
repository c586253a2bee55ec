import { ServingError } from '../../core/errors.ts';
import { assertAlias } from '../keys.ts';
import type { RoutingChanger } from './change-routing.ts';
import type { Routing, Targets } from './routing.ts';

/** A change of an existing routing. */
type Change = (current: Routing) => Targets & { readonly deleted?: number[]; readonly captured?: boolean | undefined };

/** Makes a changer of `change`, which needs an existing routing. @throws `NOT_FOUND` when the model has none */
export const changing =
  (change: Change): RoutingChanger =>
  (current) => {
    if (current) return change(current);
    throw new ServingError('NOT_FOUND', 'the model has no routing: its first push has not ended yet');
  };

type Optional<T> = { readonly [K in keyof T]: T[K] | undefined };

/** Targets without undefined fields. */
const route = ({
  stable,
  aliases,
  canary,
  shadow,
}: Pick<Targets, 'stable' | 'aliases'> & Optional<Pick<Targets, 'canary' | 'shadow'>>): Targets => ({
  ...{ stable, aliases },
  ...(canary && { canary }),
  ...(shadow && { shadow }),
});

const refuseStable = (current: Routing, version: number): void => {
  if (version === current.stable)
    throw new ServingError('INVALID_REQUEST', `version ${version} is stable: it answers already`);
};

const unless = <T extends { readonly version: number }>(version: number, target: T | undefined): T | undefined =>
  target?.version === version ? undefined : target;

/** `version` answers from now on, and is neither canary nor shadow any more. */
export const promote = (version: number): RoutingChanger =>
  changing(({ aliases, canary, shadow }) =>
    route({ stable: version, aliases, canary: unless(version, canary), shadow: unless(version, shadow) }),
  );

/** `canary` answers its share of the requests; undefined ends it. @throws `INVALID_REQUEST` for the stable version */
export const setCanary = (canary: Targets['canary']): RoutingChanger =>
  changing((current) => {
    if (canary) refuseStable(current, canary.version);
    const { stable, aliases, shadow } = current;
    return route({ stable, aliases, shadow, canary });
  });

/** The canary `version` ends, and its shadow with it. */
export const endCanary = (version: number): RoutingChanger =>
  changing(({ stable, aliases, canary, shadow }) =>
    route({ stable, aliases, canary: unless(version, canary), shadow: unless(version, shadow) }),
  );

/** `shadow` is compared with the answering version on its share of the requests; undefined ends it. @throws `INVALID_REQUEST` for the stable version */
export const setShadow = (shadow: Targets['shadow']): RoutingChanger =>
  changing((current) => {
    if (shadow) refuseStable(current, shadow.version);
    const { stable, aliases, canary } = current;
    return route({ stable, aliases, canary, shadow });
  });

/** `alias` names `version`; undefined removes the alias. @throws `INVALID_REQUEST`; `NOT_FOUND` for the removal of an alias that does not exist */
export const setAlias = (alias: string, version: number | undefined): RoutingChanger => {
  assertAlias(alias);
  return changing((current) => {
    const { [alias]: previous, ...others } = current.aliases;
    if (version === undefined && previous === undefined)
      throw new ServingError('NOT_FOUND', `there is no alias ${alias} to remove`);
    return { ...current, aliases: version === undefined ? others : { ...others, [alias]: version } };
  });
};

/** Functions look for the settings of the capture from now on, or no more. */
export const setCaptured = (captured: boolean): RoutingChanger => changing((current) => ({ ...current, captured }));

export const ROLL_BACK = 'rollback';

/** The stable versions up to the current one, oldest first, without those that were rolled back. */
const stableVersions = ({ history, stable }: Routing): number[] => {
  const stack: number[] = [];
  for (const { action, from, to } of history) {
    if (from?.stable === to.stable) continue;
    if (stack.length === 0 && from) stack.push(from.stable); // older history has been dropped
    const known = action === ROLL_BACK ? stack.lastIndexOf(to.stable) : -1;
    if (known >= 0) stack.length = known;
    stack.push(to.stable);
  }
  return stack.at(-1) === stable ? stack : [...stack, stable];
};

/** The version to which a rollback returns; undefined when there is none. */
export const previousStable = (routing: Routing): number | undefined =>
  stableVersions(routing).findLast((version) => version !== routing.stable && !routing.deleted.includes(version));

/**
 * Returns to the version that was stable before, and ends canary and shadow; a second rollback goes one version further back.
 * @throws `INVALID_REQUEST` when there is none; `CONFLICT` when another version became stable meanwhile: nobody asked to roll that one back
 */
export const rollBack = (): RoutingChanger => {
  let asked: number | undefined;
  return changing((current) => {
    asked ??= current.stable;
    if (current.stable !== asked)
      throw new ServingError('CONFLICT', `version ${current.stable} became stable meanwhile, instead of ${asked}`);
    const previous = previousStable(current);
    if (previous === undefined)
      throw new ServingError(
        'INVALID_REQUEST',
        `version ${current.stable} is the first that was stable; promote names any other`,
      );
    return { stable: previous, aliases: current.aliases };
  });
};
