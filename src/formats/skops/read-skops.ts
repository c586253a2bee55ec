import { ServingError } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';
import type { PyValue } from '../pickle/values.ts';
import { refuse } from '../refuse.ts';
import { readZip } from '../zip.ts';
import { ARRAYS } from './arrays.ts';
import { CONTAINERS } from './containers.ts';
import { parseJson } from './json.ts';
import { OBJECTS } from './objects.ts';
import { type Node, Schema } from './schema.ts';

const NEWEST_PROTOCOL = 2;

const LOADERS = new Map([...CONTAINERS, ...OBJECTS, ...ARRAYS]);

const parseSchema = (content: Buffer): Node => {
  const schema = parseJson(content);
  if (!isObject(schema)) return refuse('schema.json is damaged: it holds no object');
  const { protocol, _skops_version: version } = schema;
  if (typeof protocol !== 'number' || protocol > NEWEST_PROTOCOL)
    return refuse(
      `it has the skops protocol ${show(protocol)} (skops ${show(version)}), expected 0 to ${NEWEST_PROTOCOL}; save it with skops 0.16`,
    );
  return schema;
};

const readAll = (bytes: Uint8Array): PyValue => {
  const files = readZip(bytes);
  const content =
    files.get('schema.json') ?? refuse('it is a zip archive without schema.json, expected a file of skops.io.dump');
  return new Schema(bytes.length, files, LOADERS).load(parseSchema(content()));
};

/**
 * Reads a file of `skops.io.dump` (protocols 0 to 2, skops 0.3 to 0.16) as the same inert data that a pickle of the object gives.
 * Classes and functions stay names. Nothing is looked up or called, but constructors of plain data and arrays.
 *
 * @throws `MODEL_INVALID` for a file that is none, is damaged, or takes too much memory
 */
export const readSkops = (bytes: Uint8Array): PyValue => {
  try {
    return readAll(bytes);
  } catch (error) {
    if (error instanceof ServingError) throw error;
    return refuse('it is damaged, or larger than can be read', error);
  }
};
