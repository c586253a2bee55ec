import { refuse } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import { parseVersion } from '../../repository/keys.ts';
import type { PublishedBundle } from '../../repository/versions/bundle.ts';
import type { ModelReference } from '../../serving/router.ts';
import { type Call, routeCall, type Serving } from '../../serving/serving.ts';
import { type Exchange, routingKey } from '../route.ts';

const ADDRESS = /^https?:\/\//;

/** `name`, `name@alias` or `name/version`. @throws `INVALID_REQUEST`, `NOT_FOUND` */
export const parseModelName = (model: unknown): ModelReference => {
  if (typeof model !== 'string' || model === '' || ADDRESS.test(model))
    return refuse(
      'INVALID_REQUEST',
      `"model" is ${show(model)}, expected the name of a model: GET /v1/models lists them`,
    );
  const [, name = model, mark, rest = ''] = /^([^@/]*)([@/])(.*)$/s.exec(model) ?? [];
  if (mark === '@') return { name, alias: rest };
  return mark === '/' ? { name, version: parseVersion(rest) } : { name };
};

/** The model that a request names outside of its path. @throws `FORBIDDEN` for a caller who may not use it, and the errors of `parseModelName` */
export const namedModel = async ({ assertAllowed }: Exchange, model: unknown): Promise<ModelReference> => {
  const reference = parseModelName(model);
  await assertAllowed(reference.name);
  return reference;
};

/** A call to the model that a request names, without its inputs. */
export interface NamedCall extends Omit<Call, 'payloads'> {
  readonly routed: PublishedBundle;
  /** The name as the request has it. */
  readonly model: string;
}

/** Clients that know the address of a model alone send a word of their own as its name: huggingface_hub, and the examples of TGI and TEI. */
const PLACEHOLDERS: readonly unknown[] = [undefined, null, 'dummy', 'tgi', 'text-embeddings-inference'];

/** True when the body leaves the choice to the path. @huggingface/inference sends the address as the name. */
const namesNone = (model: unknown): boolean =>
  PLACEHOLDERS.includes(model) || (typeof model === 'string' && ADDRESS.test(model));

/**
 * Chooses the version that answers.
 * @throws `INVALID_REQUEST` when its task is not `task`, or the path names another model; and the errors of `namedModel` and `routeCall`
 */
export const routeNamed = async (
  serving: Serving,
  exchange: Exchange,
  given: unknown,
  task: string,
): Promise<NamedCall> => {
  const { context, observation, parameters } = exchange;
  const model = parameters.name !== undefined && namesNone(given) ? parameters.name : given;
  const reference = await namedModel(exchange, model);
  if (parameters.name !== undefined && parameters.name !== reference.name)
    refuse('INVALID_REQUEST', `"model" is ${show(model)}, and the path names the model ${show(parameters.name)}`);
  const call = {
    ...{
      reference,
      key: routingKey(exchange),
      deadline: context.deadline,
      observation,
      caller: context.identity?.holder,
    },
    as: 'task',
  } as const;
  const routed = await routeCall(serving, { ...call, payloads: [] });
  if (routed.task !== task)
    refuse('INVALID_REQUEST', `the model ${reference.name} has the task ${routed.task}; this route is for ${task}`);
  return { ...call, routed, model: String(model) };
};
