import { type ZipFile, zipOf } from './zip-assembler.ts';

/** A node of `schema.json`. */
export type TestNode = Readonly<Record<string, unknown>>;

export const node = (kind: string, content?: unknown, more: TestNode = {}, path = 'builtins.object'): TestNode => {
  const dot = path.lastIndexOf('.');
  return { __class__: path.slice(dot + 1), __module__: path.slice(0, dot), __loader__: kind, content, ...more };
};

/** A node of a plain value. */
export const json = (value: unknown): TestNode => node('JsonNode', JSON.stringify(value));

export const typeNode = (name: string): TestNode => node('TypeNode', undefined, {}, name);

export const dictNode = (entries: Readonly<Record<string, unknown>>, type = 'builtins.str'): TestNode =>
  node('DictNode', entries, {
    key_types: node(
      'ListNode',
      Object.keys(entries).map(() => typeNode(type)),
    ),
  });

/** A skops file with a root node and further files. */
export const skopsOf = (root: TestNode, files: readonly ZipFile[] = [], protocol: unknown = 2): Buffer => {
  const schema = JSON.stringify({ ...root, protocol, _skops_version: '0.16.0' });
  return zipOf([{ name: 'schema.json', content: Buffer.from(schema) }, ...files]);
};

/** A `.npy` file of version 1. */
export const npyOf = (header: string, content: Uint8Array = Buffer.alloc(0)): Buffer => {
  const start = Buffer.from('\x93NUMPY\x01\0\0\0', 'latin1');
  start.writeUInt16LE(header.length, 8);
  return Buffer.concat([start, Buffer.from(header, 'latin1'), content]);
};
