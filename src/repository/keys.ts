import { ServingError } from '../core/errors.ts';

/** Where everything of the model repository lies. */
export const MODELS_PREFIX = 'models/';

/** Names go into keys, URLs and metric dimensions unescaped. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const VERSION = /^[1-9][0-9]{0,8}$/;

/** @throws `INVALID_REQUEST` when `name` could not be a key, a path segment and a metric dimension alike. */
export const assertModelName = (name: string): void => {
  if (!NAME.test(name))
    throw new ServingError(
      'INVALID_REQUEST',
      `model name ${JSON.stringify(name.slice(0, 120))} is not allowed: use 1 to 100 letters, digits, '.', '_' and '-', starting with a letter or digit`,
    );
};

/** Starts with a letter, so that it is no version. Two names mean something else to every object of JavaScript. */
const ALIAS = /^(?!(?:constructor|prototype)$)[A-Za-z][A-Za-z0-9._-]{0,99}$/;

/** @throws `INVALID_REQUEST` when `alias` could be taken for a version, or could not be a path segment. */
export const assertAlias = (alias: string): void => {
  if (!ALIAS.test(alias))
    throw new ServingError(
      'INVALID_REQUEST',
      `alias ${JSON.stringify(alias.slice(0, 120))} is not allowed: use 1 to 100 letters, digits, '.', '_' and '-', starting with a letter`,
    );
};

/** @throws `NOT_FOUND`: a version is a positive integer, anything else cannot exist. */
export const parseVersion = (text: string): number => {
  if (!VERSION.test(text))
    throw new ServingError(
      'NOT_FOUND',
      `version ${JSON.stringify(text.slice(0, 20))} does not exist: versions are 1, 2, 3, …`,
    );
  return Number(text);
};

export const modelPrefix = (name: string): string => `${MODELS_PREFIX}${name}/`;
export const versionPrefix = (name: string, version: number): string => `${modelPrefix(name)}${version}/`;
export const routingKey = (name: string): string => `${modelPrefix(name)}routing.json`;
export const claimKey = (name: string, version: number): string => `${versionPrefix(name, version)}claim`;
export const bundleKey = (name: string, version: number): string => `${versionPrefix(name, version)}bundle.json`;
/** Base64 of the Ed25519 signature over the bytes of `bundle.json`; written before it. */
export const signatureKey = (name: string, version: number): string => `${versionPrefix(name, version)}bundle.json.sig`;
export const fileKey = (name: string, version: number, path: string): string =>
  `${versionPrefix(name, version)}files/${path}`;
