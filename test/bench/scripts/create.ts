/** Creates the session of a MatMul model and runs it once: the bare runtime from the plain file, or the engine from what push has published. */
import { createSession, loadRuntime } from '../../../src/engine/session.ts';
import { openSession } from '../floors/native.ts';
import { WIDTH } from '../matmul-model.ts';
import { script } from '../script.ts';

export interface CreateInput {
  readonly path: string;
  readonly by: 'floor' | 'engine';
}

export interface Created {
  readonly createMs: number;
  /** What the model makes of ones. */
  readonly output: readonly number[];
}

const ONE_VCPU_MB = 1_769;

script(async ({ path, by }: CreateInput): Promise<Created> => {
  loadRuntime(); // both need it, neither is measured by it
  const data = new Float32Array(WIDTH).fill(1);
  const startMs = performance.now();
  if (by === 'floor') {
    const { run } = await openSession(path);
    const createMs = performance.now() - startMs;
    return { createMs, output: [...(await run(data, [1, WIDTH]))] };
  }
  const session = await createSession(path, ONE_VCPU_MB);
  const createMs = performance.now() - startMs;
  const { y } = await session.run({ x: { dtype: 'float32', shape: [1, WIDTH], data } });
  return { createMs, output: Array.from((y?.data ?? []) as Float32Array) };
});
