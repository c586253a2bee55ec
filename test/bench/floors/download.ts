import { once } from 'node:events';
import { closeSync, openSync, writeSync } from 'node:fs';
import { Agent, get, type IncomingMessage } from 'node:http';

export interface Ranges {
  readonly partBytes: number;
  readonly inFlight: number;
}

/** The bytes of `url` to `path`, by so many ranges at once; each chunk is written where it belongs as it comes in, and nothing is checked. */
export const downloadRaw = async (
  url: string,
  sizeBytes: number,
  path: string,
  { partBytes, inFlight }: Ranges,
): Promise<void> => {
  const agent = new Agent({ keepAlive: true });
  const file = openSync(path, 'w');
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < sizeBytes) {
      let position = next;
      next = Math.min(sizeBytes, next + partBytes);
      const headers = { range: `bytes=${position}-${next - 1}` };
      const [response] = (await once(get(url, { agent, headers }), 'response')) as [IncomingMessage];
      for await (const chunk of response as AsyncIterable<Buffer>)
        position += writeSync(file, chunk, 0, null, position);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  closeSync(file);
  agent.destroy();
};
