import path from 'node:path';
import { toFigure, toRatio } from '../figures.ts';
import type { Results } from '../measures.ts';
import { inferEvent, SAMPLE, type Sample } from '../sample.ts';
import type { WarmInput, WarmTimes } from '../scripts/warm.ts';
import { projectRoot, type Workbench } from '../workbench.ts';

/** As many digits as preprocessing leaves. */
const pixelValues = (): number[] => Array.from({ length: 3 * 224 * 224 }, (_, i) => Math.fround(Math.sin(i / 97)));

/** Warm requests to the packaged infer. */
export const measureWarm = async (workbench: Workbench, sample: Sample, rounds: number): Promise<Results> => {
  const { id2label, graphPath, photoPaths, photoEvent } = sample;
  const addition = path.join(projectRoot, 'test/fixtures/models/add.onnx');
  await workbench.push(addition, 'add');
  const row = { shape: [1, 3], data: [1.5, 2.25, -3] };
  const input: WarmInput = {
    handlerPath: path.join(workbench.directory, 'infer/handler.mjs'),
    photoPath: photoPaths[0] ?? '',
    id2label,
    image: { event: photoEvent, graphPath },
    json: {
      event: await inferEvent(SAMPLE, { name: 'pixel_values', shape: [1, 3, 224, 224], data: pixelValues() }),
      graphPath,
    },
    tiny: { event: await inferEvent('add', { name: 'a', ...row }, { name: 'b', ...row }), graphPath: addition },
    rounds,
  };
  const { image, json, tiny } = await workbench.run<WarmTimes>('warm', input);
  return {
    figures: {
      'warm.tensor_overhead_us': toFigure(tiny.infer.map((ms, round) => (ms - (tiny.floor[round] as number)) * 1000)),
      'warm.image_ratio': toRatio(image.infer, image.floor),
      'warm.v2_json_ratio': toRatio(json.infer, json.floor),
    },
    times: {
      'JPEG, decode, resize and run': toFigure(image.floor),
      'JPEG, warm infer': toFigure(image.infer),
      'JSON, parse, fill and run': toFigure(json.floor),
      'JSON, warm infer': toFigure(json.infer),
    },
  };
};
