import { isObject } from '../src/core/is-object.ts';
import { assertParameters } from '../src/deployment/assert-parameters.ts';
import { PARAMETER_RULES } from '../src/deployment/parameter-rules.ts';

interface Serverless {
  readonly processedInput: { readonly options: unknown };
  /** The file as it was read, whose variables osls resolves in place. */
  readonly configurationInput: unknown;
}

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields => (isObject(value) ? value : {});

/** The parameters of `--param`, as osls reads them. It refuses an argument that is none. */
const givenIn = (param: unknown): Fields =>
  Object.fromEntries(
    (Array.isArray(param) ? param : []).flatMap((text) => {
      const [, name, value] = /([^=]+)=(.+)/.exec(String(text)) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value.trimEnd()]];
    }),
  );

/** Leaves out parameters without a value: osls takes null for none. */
const withValue = (parameters: Fields): Fields =>
  Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== null));

/**
 * Prepares the check of the stage's parameters. It is done before variables are resolved, and again after it. Otherwise, osls would name
 * the places in serverless.yml that use a wrong one.
 */
export const createParameterCheck = ({ processedInput, configurationInput }: Serverless): (() => void) => {
  const { params, provider } = fieldsOf(configurationInput);
  const options = fieldsOf(processedInput.options);
  const blocks = fieldsOf(params);
  const stage = String(options.stage ?? fieldsOf(provider).stage ?? 'dev');
  const used = [...JSON.stringify(configurationInput ?? {}).matchAll(/\$\{param:\s*([\w-]+)/g)];
  const known = new Set([
    ...Object.keys(PARAMETER_RULES),
    ...Object.keys(fieldsOf(blocks.default)),
    ...used.map(([, name = '']) => name),
  ]);
  return () => {
    const [ofAll, ofStage] = [fieldsOf(blocks.default), fieldsOf(blocks[stage])].map(withValue);
    assertParameters({ ...ofAll, ...ofStage, ...givenIn(options.param) }, [...known]);
  };
};
