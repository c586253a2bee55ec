import {
  assertKnownParameters,
  graphOf,
  isObject,
  jsonAnswer,
  oneByOne,
  type Payload,
  refuse,
  show,
  signatureOf,
  type Task,
  type TaskModel,
  type TaskType,
  tensor,
  tensorOf,
} from '#contract/task';
import { type AnomalyDetectionSettings, settingsSchema } from './settings.ts';

interface Request {
  readonly series: Float32Array;
  readonly threshold: number;
}

interface Anomaly {
  readonly index: number;
  readonly value: number;
  /** Distance to the trend. */
  readonly distance: number;
}

/** Values that run at once. A longer series is answered piece by piece. */
const PIECE = 1_024;

const readSeries = (inputs: unknown): Float32Array => {
  const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
  if (Array.isArray(inputs) && inputs.length > 0 && inputs.every(isNumber)) return Float32Array.from(inputs);
  return refuse('INVALID_INPUT', `"inputs" is ${show(inputs)}, expected a list of numbers such as [1, 2, 2, 9, 2]`);
};

const readThreshold = ({ threshold }: Payload['parameters'], usual: number): number => {
  if (threshold === undefined) return usual;
  if (typeof threshold === 'number' && threshold >= 0) return threshold;
  return refuse('INVALID_REQUEST', `parameter "threshold" is ${show(threshold)}, expected a number from 0`);
};

/** The anomalies of each piece of the series, as soon as it has run. */
async function* findAnomalies({ series, threshold }: Request, { graphs }: TaskModel): AsyncGenerator<Anomaly[]> {
  for (let from = 0; from < series.length; from += PIECE) {
    const piece = series.subarray(from, from + PIECE);
    const outputs = await graphOf(graphs).run({ series: tensor('float32', [1, piece.length], piece) });
    const { data } = tensorOf(outputs, 'residuals', 'float32');
    yield Array.from(data, (residual, index) => ({
      index: from + index,
      value: piece[index] ?? 0,
      distance: Math.abs(residual),
    })).filter(({ distance }) => distance >= threshold);
  }
}

const createTask = ({ threshold: usual }: AnomalyDetectionSettings): Task<Request> => ({
  decode({ inputs, parameters }) {
    assertKnownParameters(parameters, ['threshold']);
    const values = isObject(inputs) ? inputs.values : inputs;
    return { series: readSeries(values), threshold: readThreshold(parameters, usual) };
  },

  blank: () => ({ series: new Float32Array(1), threshold: usual }),

  async *stream(request, model) {
    for await (const anomalies of findAnomalies(request, model)) yield* anomalies;
  },

  predict: oneByOne(async (request, model, lap) => {
    const anomalies: Anomaly[] = [];
    for await (const found of findAnomalies(request, model)) anomalies.push(...found);
    lap('run');
    return jsonAnswer(anomalies);
  }),
});

/** A series of numbers → `[{index, value, distance}]` of the values that lie far from their moving average. */
export const task: TaskType<AnomalyDetectionSettings> = {
  settings: settingsSchema,
  create(settings, version) {
    const [input] = signatureOf(version).inputs;
    if (input?.name !== 'series' || input.dtype !== 'float32')
      refuse('MODEL_INVALID', 'anomaly-detection needs a graph with the input series float32[N,length]');
    return createTask(settings);
  },
};
