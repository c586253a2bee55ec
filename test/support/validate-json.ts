import Ajv, { type ErrorObject, type Options } from 'ajv';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

/** Creates a check of values by a schema of the draft that it names, else of 2020-12. @returns the first error; undefined for a value that fits */
export const createCheck = (schema: object): ((value: unknown) => ErrorObject | undefined) => {
  const options: Options = { strict: false, logger: false };
  const ajv = '$schema' in schema ? new Ajv.default(options) : new Ajv2020.default(options);
  const validate = addFormats.default(ajv).compile(schema);
  return (value) => (validate(value) ? undefined : validate.errors?.[0]);
};
