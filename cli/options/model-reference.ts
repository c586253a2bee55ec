import { ServingError } from '../../src/core/errors.ts';
import { assertAlias, assertModelName, parseVersion } from '../../src/repository/keys.ts';
import type { ModelRepository } from '../../src/repository/model-repository.ts';
import type { ModelReference } from '../../src/serving/router.ts';
import { closest } from '../output/closest.ts';
import type { Target } from '../targets/target.ts';
import { fromWords, misuse } from './misuse.ts';

export const REFERENCE_HELP = 'A model is named by name, name/3, name@alias or models:/name@alias.';

/** The name of a model, where no version may stand beside it. @throws `INVALID_REQUEST` */
export const parseModelName = (text: string): string => {
  fromWords(() => assertModelName(text));
  return text;
};

/** The number of a version. @throws `INVALID_REQUEST` */
export const parseVersionNumber = (text: string): number => fromWords(() => parseVersion(text));

/** `name`, `name/3`, `name@alias`, each also behind `models:/`; the version may stand in an option instead. @throws `INVALID_REQUEST` */
export const parseReference = (text: string, versionOption?: string): ModelReference => {
  const [, name = '', separator = '', selector = ''] = /^(?:models:\/)?([^/@]*)([/@]?)(.*)$/s.exec(text) ?? [];
  parseModelName(name);
  if (separator !== '' && versionOption !== undefined)
    misuse(`${text} names a version, and so does --version ${versionOption}: not both`);
  if (separator === '@') {
    fromWords(() => assertAlias(selector));
    return { name, alias: selector };
  }
  const version = separator === '/' ? selector : versionOption;
  return version === undefined ? { name } : { name, version: parseVersionNumber(version) };
};

/**
 * Completes the error of a model that was not found. It suggests the model that was probably meant, or the command that pushes one.
 */
export const suggestModel = async (
  error: unknown,
  text: string,
  { repository, options }: Pick<Target, 'repository' | 'options'>,
): Promise<unknown> => {
  if (!(error instanceof ServingError && error.code === 'NOT_FOUND')) return error;
  const names = await repository.names().catch(() => undefined); // the first error says more
  const { name } = parseReference(text);
  if (names === undefined || names.includes(name)) return error;
  const meant = closest(name, names) ?? names.find((each) => each.startsWith(name));
  if (meant !== undefined)
    return new ServingError('NOT_FOUND', `${error.fullMessage}; did you mean ${meant}?`, { cause: error });
  if (error.operator !== undefined) return error; // it names the command
  const command = `npx onnx-serverless push <file|folder> --name ${name}${options}`;
  return new ServingError('NOT_FOUND', error.message, { operator: `push one with: ${command}`, cause: error });
};

/** The version that is meant: an alias as it stands now, and without any the stable one. @throws `NOT_FOUND` */
export const resolveVersion = async (
  repository: ModelRepository,
  { name, version, alias }: ModelReference,
): Promise<number> => {
  if (version !== undefined) return version;
  const { stable, aliases } = (await repository.routing(name)).routing;
  if (alias === undefined) return stable;
  const aliased = Object.hasOwn(aliases, alias) ? aliases[alias] : undefined;
  if (aliased !== undefined) return aliased;
  const known = Object.keys(aliases).join(', ') || 'none';
  throw new ServingError('NOT_FOUND', `model ${name} has no alias ${alias}; it has ${known}`);
};
