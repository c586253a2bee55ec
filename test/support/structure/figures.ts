import ts from 'typescript';
import { nodesOf, type Source } from './sources.ts';

/** Figures of the code by which two states of it are compared. */
export interface Figures {
  readonly files: number;
  readonly lines: number;
  readonly fileLines: readonly number[];
  readonly functionLines: readonly number[];
  /** Functions of more than 60 lines, as `path:line name`. */
  readonly longFunctions: readonly string[];
  /** Type assertions, as `path:line`; `as const` is none. */
  readonly assertions: readonly string[];
  /** Uses of the type `any`, as `path:line`. */
  readonly anys: readonly string[];
}

export const MOST_FUNCTION_LINES = 60;

const lineOf = (node: ts.Node, { tree }: Source): number =>
  tree.getLineAndCharacterOfPosition(node.getStart()).line + 1;

const linesOf = (node: ts.Node, source: Source): number =>
  source.tree.getLineAndCharacterOfPosition(node.getEnd()).line + 2 - lineOf(node, source);

const isFunction = (node: ts.Node): boolean => ts.isFunctionLike(node) && 'body' in node && node.body !== undefined;

const isConst = ({ type }: ts.AsExpression): boolean =>
  ts.isTypeReferenceNode(type) && type.typeName.getText() === 'const';

const nameOf = (node: ts.Node): string => {
  const named = ts.isVariableDeclaration(node.parent) || ts.isPropertyAssignment(node.parent) ? node.parent : node;
  return 'name' in named ? ((named.name as ts.Node | undefined)?.getText() ?? '') : '';
};

/** Figures of `sources`, each function counted from its first line to its last. */
export const measure = (sources: readonly Source[]): Figures => {
  const functionLines: number[] = [];
  const [longFunctions, assertions, anys]: [string[], string[], string[]] = [[], [], []];
  for (const source of sources) {
    for (const node of nodesOf(source.tree)) {
      const place = (): string => `${source.path}:${lineOf(node, source)}`;
      if (isFunction(node)) {
        const lines = linesOf(node, source);
        functionLines.push(lines);
        if (lines > MOST_FUNCTION_LINES) longFunctions.push(`${place()} ${nameOf(node)} (${lines})`);
      }
      if (ts.isAsExpression(node) && !isConst(node)) assertions.push(place());
      if (node.kind === ts.SyntaxKind.AnyKeyword) anys.push(place());
    }
  }
  const fileLines = sources.map(({ lines }) => lines);
  const lines = fileLines.reduce((sum, count) => sum + count, 0);
  return { files: sources.length, lines, fileLines, functionLines, longFunctions, assertions, anys };
};

/** The value below which `share` of `values` lie. */
export const quantile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
};

/** Type assertions per 1,000 lines. */
export const assertionRate = ({ assertions, lines }: Figures): number => (assertions.length / lines) * 1_000;
