import type { Answer } from '../../core/answer.ts';
import { ServingError } from '../../core/errors.ts';
import { type Tensors, zeros } from '../../core/tensor.ts';
import { type InferRequest, parseInferRequest } from '../../protocol/open-inference/infer.ts';
import { type GraphSignatures, SEPARATOR, tensorSignature } from '../../protocol/open-inference/tensor-names.ts';
import type { Task } from '../task.ts';

/** A request to one graph, in the graph's own names. */
interface GraphRequest extends InferRequest {
  readonly role: string;
  /** Stands before names in the answer. */
  readonly prefix: string;
}

/** The graph that all inputs of `request` belong to. @throws `INVALID_INPUT` */
const chooseGraph = (request: InferRequest, roles: readonly string[], isOutputsGiven: boolean): GraphRequest => {
  const [first = ''] = roles;
  if (roles.length === 1) return { ...request, role: first, prefix: '' };
  const names = Object.keys(request.feeds);
  const role = roles.find((candidate) => names[0]?.startsWith(candidate + SEPARATOR));
  const prefix = `${role}${SEPARATOR}`;
  const stranger = names.find((name) => role === undefined || !name.startsWith(prefix));
  if (stranger !== undefined)
    throw new ServingError(
      'INVALID_INPUT',
      `input "${stranger}" belongs to another graph or none: a request runs one of ${roles.join(', ')}, whose tensors are named <graph>${SEPARATOR}<name>`,
    );
  const outside = request.outputNames.find((name) => !name.startsWith(prefix));
  if (isOutputsGiven && outside !== undefined)
    throw new ServingError('INVALID_INPUT', `output "${outside}" does not belong to ${role}, which the inputs run`);
  const strip = (name: string): string => name.slice(prefix.length);
  return {
    ...request,
    feeds: Object.fromEntries(Object.entries(request.feeds).map(([name, tensor]) => [strip(name), tensor])),
    outputNames: request.outputNames.filter((name) => name.startsWith(prefix)).map(strip),
    role: role as string,
    prefix,
  };
};

const rename = (outputs: Tensors, prefix: string): Tensors =>
  prefix === ''
    ? outputs
    : Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [prefix + name, tensor]));

/** Tensors in, tensors out, in the words of the Open Inference Protocol: what every model can do without further configuration. */
export const createTensorTask = (name: string, graphs: GraphSignatures): Task => {
  const signature = tensorSignature(graphs);
  const roles = Object.keys(graphs);

  return {
    decode: ({ inputs, parameters }) => {
      if (inputs instanceof Uint8Array) {
        const problem = `model ${name} takes tensors as JSON: {"inputs": [{"name", "shape", "datatype", "data"}]}; to send it pictures, text or sound, push it with its config.json as another task, such as --task image-classification`;
        throw new ServingError('UNSUPPORTED_MEDIA_TYPE', problem);
      }
      // The task API and uploads name the inputs alone, the protocol itself sends its whole document.
      const document = Array.isArray(inputs) ? { ...parameters, inputs } : inputs;
      const isOutputsGiven = Array.isArray((document as { outputs?: unknown } | null)?.outputs);
      return chooseGraph(parseInferRequest(document, signature), roles, isOutputsGiven);
    },

    blank: (dimensions): GraphRequest => ({
      ...{ id: undefined, role: roles[0] ?? '', prefix: '' },
      ...{ feeds: zeros(signature, dimensions), outputNames: signature.outputs.map((output) => output.name) },
    }),

    async predict(requests, model, lap) {
      const outcomes: PromiseSettledResult<Answer>[] = [];
      for (const { role, prefix, id, feeds, outputNames } of requests as GraphRequest[]) {
        try {
          const graph = model.graphs[role];
          if (graph === undefined) throw new ServingError('MODEL_INVALID', `model ${name} has no graph "${role}"`);
          const outputs = rename(await graph.run(feeds, outputNames), prefix);
          lap('run');
          lap('postprocess');
          outcomes.push({ status: 'fulfilled', value: { kind: 'tensors', id, outputs } });
        } catch (reason) {
          outcomes.push({ status: 'rejected', reason });
        }
      }
      return outcomes;
    },
  };
};
