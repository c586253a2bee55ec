import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';
import { refuseSchema } from './keywords.ts';

/** A name in a reference; undefined for one that is no text in percent-encoding. */
const decodeStep = (step: string): string | undefined => {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return undefined;
  }
};

const stepInto = (value: unknown, step: string): unknown => {
  if (Array.isArray(value)) return /^\d+$/.test(step) ? value[Number(step)] : undefined;
  return isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
};

/** The schema that `#` or `#/$defs/name` names within its document. @throws `INVALID_REQUEST` for any other, and for one that is not there */
export const resolveReference = (root: unknown, reference: unknown, path: string): unknown => {
  const steps = typeof reference === 'string' ? reference.split('/').map(decodeStep) : [];
  if (steps[0] !== '#' || steps.includes(undefined))
    return refuseSchema(path, `has "$ref": ${show(reference)}, expected a place in the schema, such as "#/$defs/name"`);
  let found: unknown = root;
  for (const step of steps.slice(1)) found = stepInto(found, step ?? '');
  return found ?? refuseSchema(path, `has "$ref": ${show(reference)}, which is not in the schema`);
};

const MOST_STEPS = 64;

/** The schema behind references to references. */
export const followReferences = (root: unknown, schema: unknown, path: string): unknown => {
  let found = schema;
  for (let step = 0; step < MOST_STEPS && isObject(found) && found.$ref !== undefined; step += 1)
    found = resolveReference(root, found.$ref, path);
  return found;
};
