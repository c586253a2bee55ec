import { loadSharp, openSession } from './native.ts';

const CROP = 224;
const PLANE = CROP * CROP;
const IMAGE = 3 * PLANE;

/** The least that gets logits float32[1000] from JPEGs of 640×480 with the sample model, whose preprocessing is written out here. */
export const openClassifier = async (modelPath: string) => {
  const sharp = loadSharp();
  const { run } = await openSession(modelPath);

  const decodeInto = async (jpeg: Uint8Array, values: Float32Array): Promise<void> => {
    const pixels = await sharp(jpeg)
      .resize({ width: 341, height: 256, fit: 'fill', kernel: 'cubic' })
      .extract({ left: 58, top: 16, width: CROP, height: CROP })
      .raw()
      .toBuffer();
    for (let from = 0, to = 0; to < PLANE; to += 1)
      for (let channel = 0; channel < 3; channel += 1, from += 1)
        values[channel * PLANE + to] = ((pixels[from] as number) - 127) / 128;
  };

  /** One run for all of `jpegs`; their logits, one after the other. */
  return async (jpegs: readonly Uint8Array[]): Promise<Float32Array> => {
    const values = new Float32Array(jpegs.length * IMAGE);
    for (const [index, jpeg] of jpegs.entries())
      await decodeInto(jpeg, values.subarray(index * IMAGE, (index + 1) * IMAGE));
    return run(values, [jpegs.length, 3, CROP, CROP]);
  };
};
