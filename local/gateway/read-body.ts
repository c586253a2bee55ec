import type { IncomingMessage } from 'node:http';

/** Reads the body of a request; undefined as soon as it is certain to be too large. */
export const readBody = async (request: IncomingMessage, largestBytes: number): Promise<Buffer | undefined> => {
  if (Number(request.headers['content-length'] ?? 0) > largestBytes) return undefined;
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  // Not destroyed: a client must be able to finish sending before it reads that this was too much.
  const body: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
  for await (const chunk of body) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > largestBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};
