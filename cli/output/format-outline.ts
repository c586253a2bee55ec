import type { Outline } from '../../src/formats/imported-model.ts';

const branches = (parts: readonly Outline[], indent: string): string[] =>
  parts.flatMap((part, index) => {
    const isLast = index === parts.length - 1;
    const line = `${indent}${isLast ? '└─' : '├─'} ${part.text}`;
    return [line, ...branches(part.parts ?? [], `${indent}${isLast ? '   ' : '│  '}`)];
  });

/** A model and its parts as a tree, with a line for each. */
export const formatOutline = ({ text, parts = [] }: Outline): string =>
  [`  ${text}`, ...branches(parts, '  ')].join('\n');
