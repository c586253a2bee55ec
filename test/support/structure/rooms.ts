import { posix } from 'node:path';
import ts from 'typescript';
import { nodesOf, type Source } from './sources.ts';

/** A folder with one kind of work: a folder of `src`, or another one at the top. */
type Room = string;

const roomOf = (path: string): Room =>
  path
    .split('/')
    .slice(0, path.startsWith('src/') ? 2 : 1)
    .join('/');

const specifierOf = (node: ts.Node): ts.Node | undefined => {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  return ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
    ? node.arguments[0]
    : undefined;
};

/** Paths that `source` imports from the project, types included. */
const importsOf = ({ path, tree }: Source): string[] =>
  [...nodesOf(tree)].flatMap((node) => {
    const specifier = specifierOf(node);
    if (specifier === undefined || !ts.isStringLiteral(specifier) || !specifier.text.startsWith('.')) return [];
    return [posix.normalize(posix.join(posix.dirname(path), specifier.text))];
  });

/** The rooms that each room imports from, with the number of imports. */
const arrowsOf = (sources: readonly Source[]): Map<Room, Map<Room, number>> => {
  const arrows = new Map<Room, Map<Room, number>>();
  for (const source of sources) {
    const from = roomOf(source.path);
    const targets = arrows.get(from) ?? new Map<Room, number>();
    arrows.set(from, targets);
    for (const path of importsOf(source)) {
      const to = roomOf(path);
      if (to !== from && path.includes('/')) targets.set(to, (targets.get(to) ?? 0) + 1);
    }
  }
  return arrows;
};

/** The rooms in layers: each imports from lower layers alone. The lowest comes first. @throws Error naming rooms that import each other */
const layersOf = (arrows: ReadonlyMap<Room, ReadonlyMap<Room, number>>): Room[][] => {
  const layers: Room[][] = [];
  const placed = new Set<Room>();
  while (placed.size < arrows.size) {
    const open = [...arrows].filter(([room]) => !placed.has(room));
    const layer = open.filter(([, targets]) =>
      [...targets.keys()].every((room) => placed.has(room) || !arrows.has(room)),
    );
    if (layer.length === 0) throw new Error(`these rooms import each other: ${open.map(([room]) => room).join(', ')}`);
    layers.push(layer.map(([room]) => room));
    for (const [room] of layer) placed.add(room);
  }
  return layers;
};

const identifier = (room: Room): string => room.replaceAll('/', '_');

/** An arrow is left out when a longer way leads to the same room: the drawing shows the order, not every import. */
const directArrows = (arrows: ReadonlyMap<Room, ReadonlyMap<Room, number>>): [Room, Room][] => {
  const reaches = (from: Room, to: Room): boolean =>
    [...(arrows.get(from)?.keys() ?? [])].some((room) => room === to || reaches(room, to));
  return [...arrows].flatMap(([from, targets]) =>
    [...targets.keys()]
      .filter((to) => ![...targets.keys()].some((other) => other !== to && reaches(other, to)))
      .map((to): [Room, Room] => [from, to]),
  );
};

/** The rooms of `sources` and their imports as a Mermaid flow chart. @throws Error naming rooms that import each other */
export const drawRooms = (sources: readonly Source[]): string => {
  const arrows = arrowsOf(sources);
  layersOf(arrows);
  return [
    '```mermaid',
    'flowchart TD',
    ...[...arrows.keys()].sort().map((room) => `  ${identifier(room)}["${room}"]`),
    ...directArrows(arrows)
      .map(([from, to]) => `  ${identifier(from)} --> ${identifier(to)}`)
      .sort(),
    '```',
  ].join('\n');
};
