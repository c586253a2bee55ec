import { ServingError } from '../core/errors.ts';

/** All keys of the model repository start with it. */
export const MODELS_PREFIX = 'models/';

/** Names stand unescaped in keys, URLs and metric dimensions. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const VERSION = /^[1-9][0-9]{0,8}$/;

/** Tells whether a model may have this name. */
export const isModelName = (name: string): boolean => NAME.test(name);

/** @throws `INVALID_REQUEST` when `name` cannot be a key, a path segment and a metric dimension alike. */
export const assertModelName = (name: string): void => {
  if (!isModelName(name))
    throw new ServingError(
      'INVALID_REQUEST',
      `model name ${JSON.stringify(name.slice(0, 120))} is not allowed: use 1 to 100 letters, digits, '.', '_' and '-', starting with a letter or digit`,
    );
};

/** An alias starts with a letter, so that it is no version. Every object of JavaScript has the two properties that are excluded. */
const ALIAS = /^(?!(?:constructor|prototype)$)[A-Za-z][A-Za-z0-9._-]{0,99}$/;

/** @throws `INVALID_REQUEST` when `alias` could be a version, or cannot be a path segment. */
export const assertAlias = (alias: string): void => {
  if (!ALIAS.test(alias))
    throw new ServingError(
      'INVALID_REQUEST',
      `alias ${JSON.stringify(alias.slice(0, 120))} is not allowed: use 1 to 100 letters, digits, '.', '_' and '-', starting with a letter`,
    );
};

/** Tells whether `text` is the number of a version: a positive integer of up to nine digits. */
export const isVersion = (text: string): boolean => VERSION.test(text);

/** @throws `NOT_FOUND` when `text` is no positive integer: no such version can exist. */
export const parseVersion = (text: string): number => {
  if (!isVersion(text))
    throw new ServingError(
      'NOT_FOUND',
      `version ${JSON.stringify(text.slice(0, 20))} does not exist: versions are 1, 2, 3, …`,
    );
  return Number(text);
};

export const modelPrefix = (name: string): string => `${MODELS_PREFIX}${name}/`;
export const versionPrefix = (name: string, version: number): string => `${modelPrefix(name)}${version}/`;
export const routingKey = (name: string): string => `${modelPrefix(name)}routing.json`;
/** The settings of the capture of a model's predictions. A model without the object captures nothing. */
export const captureKey = (name: string): string => `${modelPrefix(name)}capture.json`;
/** The usual inputs and answers of a version. */
export const baselineKey = (name: string, version: number): string => `${versionPrefix(name, version)}baseline.json`;
export const claimKey = (name: string, version: number): string => `${versionPrefix(name, version)}claim`;
export const bundleKey = (name: string, version: number): string => `${versionPrefix(name, version)}bundle.json`;
/** The object holds the Ed25519 signature over the bytes of `bundle.json` as base64, and is written before it. */
export const signatureKey = (name: string, version: number): string => `${versionPrefix(name, version)}bundle.json.sig`;
export const fileKey = (name: string, version: number, path: string): string =>
  `${versionPrefix(name, version)}files/${path}`;

/** The counts of automatic canaries lie in the bucket of the data, with their models as the first folder. */
export const ROLLOUTS_PREFIX = 'rollouts/';
/** The folder of one step of an automatic canary. `since` is its plan's. */
export const stepPrefix = (name: string, version: number, since: string): string =>
  `${ROLLOUTS_PREFIX}${name}/${version}-${Date.parse(since)}/`;

/** The figures of models lie in the bucket of the data, with their models as the first folder. */
export const FIGURES_PREFIX = 'figures/';
