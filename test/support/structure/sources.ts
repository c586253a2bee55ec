import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { join } from 'node:path';
import ts from 'typescript';

const FOLDERS = ['functions', 'src', 'cli', 'local', 'layers'];

/** A file of the product, parsed. */
export interface Source {
  /** Relative to the project, with `/`. */
  readonly path: string;
  readonly lines: number;
  readonly tree: ts.SourceFile;
}

/** The TypeScript files of the product below `root`; tests and samples are left out. */
export const readSources = async (root: string): Promise<Source[]> => {
  const pattern = `{${FOLDERS.join(',')}}/**/*.ts`;
  const paths: string[] = [];
  for await (const path of glob(pattern, { cwd: root, exclude: (name) => name === 'build' })) paths.push(path);
  return paths.sort().map((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    const lines = text.split('\n').length - 1;
    return { path, lines, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
  });
};

/** Every node below `node`. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node;
  for (const child of node.getChildren()) yield* nodesOf(child);
}
