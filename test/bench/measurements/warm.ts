import path from 'node:path';
import { changeCaptureSettings } from '../../../src/capture/capture-settings.ts';
import { toFigure, toRatio } from '../figures.ts';
import type { Results } from '../measures.ts';
import { inferEvent, postEvent, rawEvent, SAMPLE, type Sample } from '../sample.ts';
import type { WarmInput, WarmTimes } from '../scripts/warm.ts';
import { projectRoot, type Workbench } from '../workbench.ts';

/** Sepal and petal of one iris, in centimetres. */
const FLOWER = [6.3, 2.8, 5.1, 1.5];

/** As many digits as preprocessing leaves. */
const pixelValues = (): number[] => Array.from({ length: 3 * 224 * 224 }, (_, i) => Math.fround(Math.sin(i / 97)));

/** Warm requests to the packaged infer. */
export const measureWarm = async (workbench: Workbench, sample: Sample, rounds: number): Promise<Results> => {
  const { id2label, graphPath, photoPaths, photoEvent } = sample;
  const iris = path.join(projectRoot, 'models/iris');
  await workbench.push(iris, 'iris');
  await workbench.push(iris, 'captured');
  await changeCaptureSettings(workbench.repository, 'captured', 'the benchmark', { share: 1 });
  const body = JSON.stringify({ inputs: [FLOWER] });
  const input: WarmInput = {
    handlerPath: path.join(workbench.directory, 'infer/handler.mjs'),
    photoPath: photoPaths[0] ?? '',
    id2label,
    image: { event: photoEvent, graphPath },
    json: {
      event: await inferEvent(SAMPLE, { name: 'pixel_values', shape: [1, 3, 224, 224], data: pixelValues() }),
      graphPath,
    },
    binary: { event: await rawEvent(SAMPLE, Float32Array.from(pixelValues())), graphPath },
    table: {
      event: await postEvent('/models/iris', 'application/json', body),
      graphPath: path.join(iris, 'model.onnx'),
    },
    captured: await postEvent('/models/captured', 'application/json', body),
    rounds,
  };
  const { image, json, binary, table, captured } = await workbench.run<WarmTimes>('warm', input);
  return {
    figures: {
      'warm.tabular_overhead_us': toFigure(
        table.infer.map((ms, round) => (ms - (table.floor[round] as number)) * 1000),
      ),
      'warm.capture_overhead_us': toFigure(
        captured.infer.map((ms, round) => (ms - (captured.floor[round] as number)) * 1000),
      ),
      'warm.image_ratio': toRatio(image.infer, image.floor),
      'warm.v2_json_ratio': toRatio(json.infer, json.floor),
      'warm.v2_binary_ratio': toRatio(binary.infer, binary.floor),
    },
    times: {
      'JPEG, decode, resize and run': toFigure(image.floor),
      'JPEG, warm infer': toFigure(image.infer),
      'JSON, parse, fill and run': toFigure(json.floor),
      'JSON, warm infer': toFigure(json.infer),
      'bytes, base64 decode and run': toFigure(binary.floor),
      'bytes, warm infer': toFigure(binary.infer),
    },
  };
};
