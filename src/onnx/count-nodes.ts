import { ServingError } from '../core/errors.ts';
import { type OnnxModel, parsing } from './onnx-model.ts';
import { type Field, fields } from './protobuf.ts';
import { ATTRIBUTE, FUNCTION, GRAPH, MODEL, NODE } from './schema.ts';

/** The largest exported models have some ten thousand nodes. */
const MOST_NODES = 250_000;

/** The texts of an operator or a function that make its key. The last of several fields counts, as in any parser of Protobuf. */
const keyOf = (message: Buffer, nameField: number, domainField: number): string => {
  let [domain, name] = ['', ''];
  for (const { number, value } of fields(message)) {
    if (number === nameField) name = value.toString();
    else if (number === domainField) domain = value.toString();
  }
  return JSON.stringify([domain, name]);
};

/** The sum of `count` over the fields of a message. */
const sumOver = (message: Iterable<Field>, count: (field: Field) => number): number => {
  let sum = 0;
  for (const field of message) sum += count(field);
  return sum;
};

/** Counts the nodes of graphs, with those of the functions that they call, at each call. A function that calls itself has no end. */
const createCounter = (functions: ReadonlyMap<string, Buffer>) => {
  const counts = new Map<string, number>();

  /** The nodes that take the place of a call: at least one, since a call of an empty function takes time too. */
  const ofOperator = (key: string): number => {
    const body = functions.get(key);
    if (body === undefined) return 1; // no function of the model
    const known = counts.get(key);
    if (known !== undefined) return known;
    counts.set(key, Number.POSITIVE_INFINITY); // holds while its body is counted
    const count = Math.max(1, ofNodes(body, FUNCTION.node));
    counts.set(key, count);
    return count;
  };

  const ofAttribute = (attribute: Buffer): number =>
    sumOver(fields(attribute), ({ number, value }) =>
      number === ATTRIBUTE.graph || number === ATTRIBUTE.graphs ? ofNodes(value, GRAPH.node) : 0,
    );

  const ofNode = (node: Buffer): number =>
    sumOver(fields(node), ({ number, value }) => (number === NODE.attribute ? ofAttribute(value) : 0)) +
    ofOperator(keyOf(node, NODE.operator, NODE.domain));

  const ofNodes = (parent: Buffer, nodeField: number): number =>
    sumOver(fields(parent), ({ number, value }) => (number === nodeField ? ofNode(value) : 0));

  return { ofGraph: (graph: Buffer): number => ofNodes(graph, GRAPH.node) };
};

/** The number of nodes of a model once its functions are inlined, as onnxruntime does when it loads the model. */
export const countNodes = ({ fields: all }: OnnxModel): number =>
  parsing(() => {
    const bodies = all.filter(({ number }) => number === MODEL.function).map(({ value }) => value);
    const functions = new Map(bodies.map((body) => [keyOf(body, FUNCTION.name, FUNCTION.domain), body]));
    const counter = createCounter(functions);
    return sumOver(all, ({ number, value }) => (number === MODEL.graph ? counter.ofGraph(value) : 0));
  });

/** @throws `MODEL_INVALID` for a model whose functions would become more nodes than a load could end with */
export const assertNodeCount = (model: OnnxModel): void => {
  const count = countNodes(model);
  if (count <= MOST_NODES) return;
  const figure = Number.isFinite(count) ? count.toLocaleString('en') : 'no end of';
  throw new ServingError(
    'MODEL_INVALID',
    `its functions become ${figure} nodes when it is loaded, at most ${MOST_NODES.toLocaleString('en')} are allowed; export it without nested functions`,
  );
};
