import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, mkdirSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

const CHUNK_BYTES = 1024 * 1024;

/** Bytes on disk, in a file of their own that is never written again. */
export interface Blob {
  readonly blob: string;
  readonly sizeBytes: number;
  /** Lower-case hexadecimal. */
  readonly md5: string;
}

export class Blobs {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  #path(blob: string): string {
    return join(this.#directory, blob);
  }

  /** Nothing stays behind when `bytes` fails. */
  async write(bytes: AsyncIterable<Uint8Array>): Promise<Blob> {
    const blob = randomUUID();
    const md5 = createHash('md5');
    let sizeBytes = 0;
    const measured = async function* (): AsyncIterable<Uint8Array> {
      for await (const chunk of bytes) {
        md5.update(chunk);
        sizeBytes += chunk.byteLength;
        yield chunk;
      }
    };
    try {
      await writeFile(this.#path(blob), measured());
      return { blob, sizeBytes, md5: md5.digest('hex') };
    } catch (error) {
      this.remove(blob);
      throw error;
    }
  }

  /** The bytes from `start` up to and including `end`; open at once, so that they can be removed while they are read. */
  read(blob: string, range: { readonly start?: number; readonly end?: number } = {}): Readable {
    return createReadStream('', { fd: openSync(this.#path(blob), 'r'), highWaterMark: CHUNK_BYTES, ...range });
  }

  describe(blob: string): { readonly sizeBytes: number; readonly modifiedMs: number } {
    const { size, mtimeMs } = statSync(this.#path(blob));
    return { sizeBytes: size, modifiedMs: mtimeMs };
  }

  remove(...blobs: readonly string[]): void {
    for (const blob of blobs) rmSync(this.#path(blob), { force: true });
  }

  /** Removes what a process left that died between writing bytes and naming them. */
  removeAllBut(named: ReadonlySet<unknown>): void {
    this.remove(...readdirSync(this.#directory).filter((blob) => !named.has(blob)));
  }
}
