import * as v from 'valibot';
import { blankTensors } from '../../core/blank.ts';
import { ServingError } from '../../core/errors.ts';
import type { Payload } from '../../core/payload.ts';
import { show } from '../../core/show.ts';
import { mapTensors, type Tensors } from '../../core/tensor.ts';
import { assertOutputBounds, assertRunBounds } from '../../protocol/open-inference/bounds.ts';
import { classify } from '../../protocol/open-inference/classification.ts';
import { defaultsOf } from '../../protocol/open-inference/defaults.ts';
import { type InferRequest, parseInferRequest } from '../../protocol/open-inference/infer-request.ts';
import { SEPARATOR, tensorSignature } from '../../protocol/open-inference/tensor-names.ts';
import { graphOf } from '../graph-of.ts';
import { oneByOne } from '../one-by-one.ts';
import { assertKnownParameters } from '../parameters.ts';
import type { Task } from '../task.ts';
import type { TaskType, TaskVersion } from '../task-type.ts';
import { toCallerFault } from './caller-faults.ts';
import { describeTensors } from './describe-tensors.ts';
import { settingsSchema, type TensorSettings } from './settings.ts';

/** A request to one graph, with the graph's own names. */
interface GraphRequest extends InferRequest {
  readonly role: string;
  /** Put before names in the answer. */
  readonly prefix: string;
}

/** The request to the graph that all inputs belong to. @throws `INVALID_INPUT` when a tensor belongs to another graph or none */
const chooseGraph = (request: InferRequest, roles: readonly string[]): GraphRequest => {
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
  const given = [...request.outputs.keys()];
  const outside = given.find((name) => !name.startsWith(prefix));
  if (request.areOutputsNamed && outside !== undefined)
    throw new ServingError('INVALID_INPUT', `output ${show(outside)} does not belong to ${role}, which the inputs run`);
  const feeds = Object.entries(request.feeds).map(([name, tensor]) => [name.slice(prefix.length), tensor]);
  return {
    ...request,
    feeds: Object.fromEntries(feeds),
    outputs: new Map([...request.outputs].filter(([name]) => name.startsWith(prefix))),
    role,
    prefix,
  };
};

/** The outputs by the graph's own names. */
const graphOutputs = ({ outputs, prefix }: GraphRequest): string[] =>
  [...outputs.keys()].map((name) => name.slice(prefix.length));

const rename = (outputs: Tensors, prefix: string): Tensors =>
  prefix === ''
    ? outputs
    : Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [prefix + name, tensor]));

/** A request of `/v2`, or its document. Callers of the task API, and uploads, send its inputs alone. */
const toDocument = ({ inputs, parameters }: Payload): unknown =>
  Array.isArray(inputs) ? { ...parameters, inputs } : inputs;

/** Tensors → tensors, by the Open Inference Protocol: the task of any model, whatever other task it has. */
export const createTensorTask = ({ name, graphs, settings }: TaskVersion): Task<GraphRequest, undefined> => {
  const signature = tensorSignature(graphs);
  const roles = Object.keys(graphs);
  const labels = v.is(v.array(v.string()), settings.labels) ? settings.labels : [];
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
      const request = chooseGraph(parseInferRequest(toDocument(payload), signature), roles);
      const chosen = graphs[request.role];
      if (chosen !== undefined) assertRunBounds(chosen.signature, request.feeds, graphOutputs(request));
      return request;
    },

    blank: (blank) => ({
      ...{ id: undefined, role: roles[0] ?? '', prefix: '' },
      ...{ feeds: blankTensors(signature, blank), areOutputsNamed: false },
      outputs: new Map(signature.outputs.map(({ name: output }) => [output, { isBinary: false }])),
    }),

    describe: ({ feeds }) => [describeTensors(feeds)],

    predict: oneByOne(async (request, model, lap) => {
      const { role, prefix, id, feeds, outputs: forms } = request;
      const graph = graphOf(model.graphs, role);
      const given = await graph.run({ ...defaults[role], ...feeds }, graphOutputs(request)).catch((error: unknown) => {
        throw toCallerFault(error, graphs[role]?.signature ?? graph.signature, feeds);
      });
      assertOutputBounds(given);
      lap('run');
      const outputs = mapTensors(rename(given, prefix), (output, each) => {
        const classes = forms.get(each)?.classes;
        return classes === undefined ? output : classify(each, output, classes, labels);
      });
      lap('postprocess');
      const binary = new Set([...forms].flatMap(([each, { isBinary }]) => (isBinary ? [each] : [])));
      return { kind: 'tensors', id, outputs, binary };
    }),
  };
};

export const tensor: TaskType<TensorSettings> = {
  settings: settingsSchema,
  create: (_settings, version) => createTensorTask(version),
};
