import { ServingError } from '../core/errors.ts';
import { JsonText } from '../core/json-text.ts';
import { type Signature, zeros } from '../core/tensor.ts';
import { formatInferResponse, type InferRequest, parseInferRequest } from '../protocol/open-inference/infer.ts';
import type { Task } from '../tasks/task.ts';

/** Tensors in, tensors out, in the words of the Open Inference Protocol: what every model can do without further configuration. */
export const createTensorTask = (name: string, version: number, signature: Signature): Task => ({
  decode: ({ inputs, parameters }) => {
    if (inputs instanceof Uint8Array) {
      const problem = `model ${name} takes tensors as JSON: {"inputs": [{"name", "shape", "datatype", "data"}]}; to send it pictures, push it with its config.json and preprocessor_config.json as --task image-classification`;
      throw new ServingError('UNSUPPORTED_MEDIA_TYPE', problem);
    }
    // The task API and uploads name the inputs alone, the protocol itself sends its whole document.
    return parseInferRequest(Array.isArray(inputs) ? { ...parameters, inputs } : inputs, signature);
  },

  blank: zeros,

  async predict(requests, { run }, lap) {
    const outcomes: PromiseSettledResult<unknown>[] = [];
    for (const request of requests as InferRequest[]) {
      try {
        const outputs = await run(request.feeds, request.outputNames);
        lap('run');
        const value = new JsonText(
          formatInferResponse({ modelName: name, modelVersion: String(version), id: request.id, outputs }),
        );
        lap('postprocess');
        outcomes.push({ status: 'fulfilled', value });
      } catch (reason) {
        outcomes.push({ status: 'rejected', reason });
      }
    }
    return outcomes;
  },
});
