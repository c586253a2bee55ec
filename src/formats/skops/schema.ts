import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';
import { Budget, COSTS } from '../pickle/budget.ts';
import { construct } from '../pickle/constructors.ts';
import { PyClass, type PyValue } from '../pickle/values.ts';
import { refuse } from '../refuse.ts';

/** A node of `schema.json`: an object of JSON. */
export type Node = Readonly<Record<string, unknown>>;

/** Nodes within nodes; a pipeline of pipelines has some 20. */
const DEEPEST = 300;

/** Makes the value of a node of one kind. */
export type Loader = (node: Node, schema: Schema) => PyValue;

/** The nodes of a file, and the files beside them. A node that occurs again, by its `__id__`, is the same value. */
export class Schema {
  readonly budget: Budget;
  readonly #loaders: ReadonlyMap<string, Loader>;
  readonly #files: ReadonlyMap<string, () => Buffer>;
  /** Values by `__id__`; undefined for one that is being made. */
  readonly #values = new Map<number, PyValue | undefined>();
  readonly #read = new Map<string, PyValue>();
  #depth = 0;

  constructor(bytes: number, files: ReadonlyMap<string, () => Buffer>, loaders: ReadonlyMap<string, Loader>) {
    this.budget = new Budget(bytes);
    this.#files = files;
    this.#loaders = loaders;
  }

  /** @throws `MODEL_INVALID` for a node that is none, of an unknown kind, or inside of itself */
  load(node: unknown): PyValue {
    if (!isObject(node)) return refuse('schema.json is damaged: it has no node where one is expected');
    const id = typeof node.__id__ === 'number' ? node.__id__ : undefined;
    if (id === undefined) return this.#make(node);
    if (!this.#values.has(id)) {
      this.#values.set(id, undefined);
      this.#values.set(id, this.#make(node));
    }
    return (
      this.#values.get(id) ??
      (this.#values.get(id) === null ? null : refuse('schema.json is damaged: a node contains itself'))
    );
  }

  /** Nodes in a list. */
  loadAll(nodes: unknown): PyValue[] {
    if (!Array.isArray(nodes)) return refuse('schema.json is damaged: it has no list of nodes where one is expected');
    return nodes.map((node) => this.load(node));
  }

  /** The value that `read` makes of the file that a node names; each file is read once. */
  file(node: Node, read: (content: Buffer) => PyValue): PyValue {
    const name = node.file;
    if (typeof name !== 'string') return refuse('schema.json is damaged: a node names no file');
    const known = this.#read.get(name);
    if (known !== undefined) return known;
    const content = this.#files.get(name) ?? refuse(`the archive has no file ${JSON.stringify(name.slice(0, 80))}`);
    const value = read(content());
    this.#read.set(name, value);
    return value;
  }

  /** An object of `type`, or data where `type` is a constructor of data. */
  construct(type: PyClass, args: readonly PyValue[] = []): PyValue {
    this.budget.spend(COSTS.object);
    return construct(type, args, this.budget);
  }

  #make(node: Node): PyValue {
    this.budget.spend(COSTS.object);
    if (this.#depth >= DEEPEST) refuse(`schema.json has nodes within nodes, more than ${DEEPEST} deep`);
    const { __loader__: kind } = node;
    const loader = typeof kind === 'string' ? this.#loaders.get(kind) : undefined;
    if (loader === undefined)
      return refuse(`it has a ${show(kind)} of ${typeOf(node).path}, which this reader does not know`);
    this.#depth += 1;
    const value = loader(node, this);
    this.#depth -= 1;
    return value;
  }
}

/** The class that a node names. */
export const typeOf = ({ __module__: module, __class__: name }: Node): PyClass =>
  typeof module === 'string' && typeof name === 'string'
    ? new PyClass(module, name)
    : refuse('schema.json is damaged: a node has no class');

/** The object of JSON under `name`. */
export const partOf = (node: Node, name: string): Node => {
  const part = node[name];
  return isObject(part) ? part : refuse(`schema.json is damaged: a node has no ${name}`);
};
