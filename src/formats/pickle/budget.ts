import { formatBytes } from '../../core/format-bytes.ts';
import { refuse } from './refuse.ts';

/** Memory in bytes that every file may take, the multiple of its own size beyond that, and the most that any file may take. */
const BASE = 64e6;
const FACTOR = 8;
const MOST = 2e9;

/** Bytes of memory that a value takes: a slot in a list, an entry of a dict or of the memo, an object, a table of hashes. */
export const COSTS = { slot: 16, entry: 40, object: 64, table: 240 } as const;

/** The memory that the values of a file may take, as an estimate that is never far below the truth. */
export class Budget {
  readonly #most: number;
  #spent = 0;

  constructor(fileBytes: number) {
    this.#most = Math.min(BASE + FACTOR * fileBytes, MOST);
  }

  /** @throws `MODEL_INVALID` when the values take more than the budget */
  spend(bytes: number): void {
    this.#spent += bytes;
    if (this.#spent > this.#most)
      refuse(`its values take more than ${formatBytes(this.#most)} of memory, which no model of that size needs`);
  }
}
