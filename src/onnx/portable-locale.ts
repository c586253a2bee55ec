import { ServingError } from '../core/errors.ts';
import { toField, toIntegerField } from './chunks.ts';
import { type ModelEdit, messageField } from './edit-model.ts';
import { type Field, fields, readIntegers, textOf } from './protobuf.ts';
import { ATTRIBUTE, FUNCTION, GRAPH, MODEL, NODE } from './schema.ts';

const OPERATOR = 'StringNormalizer';
/** Lambda has this locale, and those called C and POSIX, which know the case of ASCII letters alone. */
const PORTABLE = 'C.UTF-8';
const PRESENT = /^(?:C|POSIX|C\.utf-?8)$/i;
/** Languages with a dotless i. Other locales of glibc change the case of letters as C.UTF-8 does: their LC_CTYPE copies `i18n`. */
const DOTLESS = /^(?:tr|az|crh|ku)(?:[_.@-]|$)|^tt_RU@iqtelif/i;
/** `STRING` of `AttributeProto.AttributeType`. */
const STRING = 3;

const attributeOf = (node: readonly Field[], name: string): Field | undefined =>
  node.find(({ number, value }) => number === NODE.attribute && textOf(value, ATTRIBUTE.name) === name);

const integerOf = (attribute: Field | undefined): bigint => {
  const field = [...fields(attribute?.value ?? Buffer.alloc(0))].find(({ number }) => number === ATTRIBUTE.integer);
  return readIntegers(field?.value ?? Buffer.alloc(0))[0] ?? 0n;
};

const stringAttribute = (name: string, value: string): Field =>
  messageField(NODE.attribute, [
    ...toField(ATTRIBUTE.name, name),
    ...toField(ATTRIBUTE.string, value),
    ...toIntegerField(ATTRIBUTE.type, STRING),
  ]);

/** Tells whether the operator changes the case of texts, or compares without it: only then it has a locale. */
const hasCase = (node: readonly Field[]): boolean => {
  const action = textOf(attributeOf(node, 'case_change_action')?.value ?? Buffer.alloc(0), ATTRIBUTE.string) ?? 'NONE';
  const hasStopWords = attributeOf(node, 'stopwords') !== undefined;
  return action !== 'NONE' || (hasStopWords && integerOf(attributeOf(node, 'is_case_sensitive')) === 0n);
};

/** @throws `MODEL_INVALID` for a locale that no other one replaces */
const withPortable = (node: readonly Field[]): readonly Field[] => {
  const own = attributeOf(node, 'locale');
  const locale = own === undefined ? undefined : (textOf(own.value, ATTRIBUTE.string) ?? '');
  if ((locale !== undefined && PRESENT.test(locale)) || !hasCase(node)) return node;
  if (locale !== undefined && DOTLESS.test(locale))
    throw new ServingError(
      'MODEL_INVALID',
      `${OPERATOR} has the locale "${locale}", which Lambda lacks, and no locale that it has writes i and I as this one does; ` +
        'export the model without case_change_action, and change the case of texts before they are sent',
    );
  return [...node.filter((field) => field !== own), stringAttribute('locale', PORTABLE)];
};

/** The node with portable locales, and so the graphs within it. */
const editNode = (field: Field): Field => {
  if (!field.value.includes(OPERATOR)) return field;
  const all = [...fields(field.value)];
  const changed =
    textOf(field.value, NODE.operator) === OPERATOR ? withPortable(all) : editList(all, NODE.attribute, editAttribute);
  return changed === all
    ? field
    : messageField(
        field.number,
        changed.map(({ bytes }) => bytes),
      );
};

const editAttribute = (attribute: Field): Field => {
  const isGraph = (number: number): boolean => number === ATTRIBUTE.graph || number === ATTRIBUTE.graphs;
  const all = [...fields(attribute.value)];
  const changed = all.map((field) => (isGraph(field.number) ? editWithin(field, GRAPH.node) : field));
  return isSame(all, changed)
    ? attribute
    : messageField(
        attribute.number,
        changed.map(({ bytes }) => bytes),
      );
};

const isSame = (some: readonly Field[], others: readonly Field[]): boolean =>
  some.every((field, index) => field === others[index]);

/** The fields, of which `edit` changes those of `number`; the same list when it changes none. */
const editList = (all: readonly Field[], number: number, edit: (field: Field) => Field): readonly Field[] => {
  const changed = all.map((field) => (field.number === number ? edit(field) : field));
  return isSame(all, changed) ? all : changed;
};

/** A message with nodes, in fields of `nodeNumber`. */
const editWithin = (message: Field, nodeNumber: number): Field => {
  const all = [...fields(message.value)];
  const changed = editList(all, nodeNumber, editNode);
  return changed === all
    ? message
    : messageField(
        message.number,
        changed.map(({ bytes }) => bytes),
      );
};

/**
 * Gives `StringNormalizer` a locale that Lambda has. skl2onnx writes `en_US`, which is also the operator's default, and which slim systems lack.
 * @throws `MODEL_INVALID` for a locale that no other one replaces
 */
export const withPortableLocales: ModelEdit = (parts) => {
  const graph = editList(parts.graph, GRAPH.node, editNode);
  const functions = editList(parts.functions, MODEL.function, (field) => editWithin(field, FUNCTION.node));
  return graph === parts.graph && functions === parts.functions ? parts : { graph, functions };
};
