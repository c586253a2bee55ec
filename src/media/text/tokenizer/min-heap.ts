/** A binary heap of numbers, smallest first. */
export class MinHeap {
  #items: Float64Array;
  #size = 0;

  constructor(capacity: number) {
    this.#items = new Float64Array(Math.max(capacity, 16));
  }

  push(item: number): void {
    if (this.#size === this.#items.length) {
      const items = new Float64Array(this.#size * 2);
      items.set(this.#items);
      this.#items = items;
    }
    let index = this.#size++;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = this.#items[parent] ?? 0;
      if (above <= item) break;
      this.#items[index] = above;
      index = parent;
    }
    this.#items[index] = item;
  }

  pop(): number | undefined {
    if (this.#size === 0) return undefined;
    const top = this.#items[0];
    const item = this.#items[--this.#size] ?? 0;
    let index = 0;
    for (let child = 1; child < this.#size; child = index * 2 + 1) {
      if (child + 1 < this.#size && (this.#items[child + 1] ?? 0) < (this.#items[child] ?? 0)) child++;
      const below = this.#items[child] ?? 0;
      if (below >= item) break;
      this.#items[index] = below;
      index = child;
    }
    this.#items[index] = item;
    return top;
  }
}
