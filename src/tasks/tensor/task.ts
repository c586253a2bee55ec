import { blankTensors } from '../../core/blank.ts';
import { ServingError } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import type { Payload } from '../../core/payload.ts';
import { show } from '../../core/show.ts';
import type { Tensors } from '../../core/tensor.ts';
import { assertOutputBounds, assertRunBounds } from '../../protocol/open-inference/bounds.ts';
import { defaultsOf } from '../../protocol/open-inference/defaults.ts';
import { type InferRequest, parseInferRequest } from '../../protocol/open-inference/infer.ts';
import { SEPARATOR, tensorSignature } from '../../protocol/open-inference/tensor-names.ts';
import { graphOf } from '../graph-of.ts';
import { oneByOne } from '../one-by-one.ts';
import { assertKnownParameters } from '../parameters.ts';
import type { Task } from '../task.ts';
import type { TaskType, TaskVersion } from '../task-type.ts';
import { toCallerFault } from './caller-faults.ts';
import { settingsSchema, type TensorSettings } from './settings.ts';

/** A request to one graph, with the graph's own names. */
interface GraphRequest extends InferRequest {
  readonly role: string;
  /** Put before names in the answer. */
  readonly prefix: string;
}

const withoutPrefix = (names: readonly string[], prefix: string): string[] =>
  names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));

/** The request to the graph that all inputs belong to. @throws `INVALID_INPUT` when a tensor belongs to another graph or none */
const chooseGraph = (request: InferRequest, roles: readonly string[], isOutputsGiven: boolean): GraphRequest => {
  const [first = ''] = roles;
  if (roles.length === 1) return { ...request, role: first, prefix: '' };
  const names = Object.keys(request.feeds);
  const role = roles.find((candidate) => names[0]?.startsWith(candidate + SEPARATOR));
  const prefix = `${role}${SEPARATOR}`;
  const stranger = names.find((name) => !name.startsWith(prefix));
  if (role === undefined || stranger !== undefined)
    throw new ServingError(
      'INVALID_INPUT',
      `input ${show(stranger ?? names[0])} belongs to another graph or none: a request runs one of ` +
        `${roles.join(', ')}, whose tensors are named <graph>${SEPARATOR}<name>`,
    );
  const outside = request.outputNames.find((name) => !name.startsWith(prefix));
  if (isOutputsGiven && outside !== undefined)
    throw new ServingError('INVALID_INPUT', `output ${show(outside)} does not belong to ${role}, which the inputs run`);
  const feeds = Object.entries(request.feeds).map(([name, tensor]) => [name.slice(prefix.length), tensor]);
  return {
    ...request,
    feeds: Object.fromEntries(feeds),
    outputNames: withoutPrefix(request.outputNames, prefix),
    role,
    prefix,
  };
};

const rename = (outputs: Tensors, prefix: string): Tensors =>
  prefix === ''
    ? outputs
    : Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [prefix + name, tensor]));

/** The document of the protocol. Callers of the task API, and uploads, send its inputs alone. */
const toDocument = ({ inputs, parameters }: Payload): unknown =>
  Array.isArray(inputs) ? { ...parameters, inputs } : inputs;

/** Tensors → tensors, by the Open Inference Protocol: the task of any model, whatever other task it has. */
export const createTensorTask = ({ name, graphs }: TaskVersion): Task<GraphRequest, undefined> => {
  const signature = tensorSignature(graphs);
  const roles = Object.keys(graphs);
  const defaults = Object.fromEntries(
    Object.entries(graphs).map(([role, graph]) => [role, defaultsOf(graph.signature)]),
  );

  return {
    decode(payload) {
      if (payload.inputs instanceof Uint8Array)
        throw new ServingError(
          'UNSUPPORTED_MEDIA_TYPE',
          `model ${name} takes tensors as JSON: {"inputs": [{"name", "shape", "datatype", "data"}]}; to send it ` +
            'images, text or audio, push it with its config.json as another task, such as --task image-classification',
        );
      assertKnownParameters(payload.parameters, ['id', 'outputs']);
      const document = toDocument(payload);
      const isOutputsGiven = isObject(document) && Array.isArray(document.outputs);
      const request = chooseGraph(parseInferRequest(document, signature), roles, isOutputsGiven);
      const chosen = graphs[request.role];
      if (chosen !== undefined) assertRunBounds(chosen.signature, request.feeds, request.outputNames);
      return request;
    },

    blank: (blank) => ({
      ...{ id: undefined, role: roles[0] ?? '', prefix: '' },
      ...{ feeds: blankTensors(signature, blank), outputNames: signature.outputs.map((output) => output.name) },
    }),

    predict: oneByOne(async ({ role, prefix, id, feeds, outputNames }, model, lap) => {
      const graph = graphOf(model.graphs, role);
      const given = await graph.run({ ...defaults[role], ...feeds }, outputNames).catch((error: unknown) => {
        throw toCallerFault(error, graph.signature, feeds);
      });
      assertOutputBounds(given);
      const outputs = rename(given, prefix);
      lap('run');
      lap('postprocess');
      return { kind: 'tensors', id, outputs };
    }),
  };
};

export const tensor: TaskType<TensorSettings> = {
  settings: settingsSchema,
  create: (_settings, version) => createTensorTask(version),
};
