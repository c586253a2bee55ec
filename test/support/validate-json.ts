import Ajv, { type ErrorObject, type Options } from 'ajv';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

const OPTIONS: Options = { strict: false, logger: false };
/** The drafts themselves are compiled once: that takes a tenth of a second. */
const draft2020 = addFormats.default(new Ajv2020.default(OPTIONS));
const draft07 = addFormats.default(new Ajv.default(OPTIONS));

/** Creates a check of values by a schema of the draft that it names, else of 2020-12. @returns the first error; undefined for a value that fits */
export const createCheck = (schema: object): ((value: unknown) => ErrorObject | undefined) => {
  const draft = '$schema' in schema ? draft07 : draft2020;
  const validate = draft.compile(schema);
  draft.removeSchema(schema); // another schema may have its $id
  return (value) => (validate(value) ? undefined : validate.errors?.[0]);
};
