import { isDType } from '../core/tensor.ts';
import { type ModelDescription, operatorName } from './describe-model.ts';
import { type DeclaredValue, formatDeclared } from './value-info.ts';

/** Newest versions that onnxruntime 1.30 loads; `test/integration/runtime-limits.test.ts` asks it. */
export const RUNTIME_LIMITS = {
  irVersion: 13,
  opsets: { '': 26, 'ai.onnx.ml': 5, 'com.microsoft': 1, 'ai.onnx.preview.training': 1 },
} as const;

const nameOf = (domain: string): string => (domain === '' ? 'ai.onnx' : domain);

const opsetProblems = ({ irVersion, opsets }: ModelDescription): string[] => {
  const known: Readonly<Record<string, number>> = RUNTIME_LIMITS.opsets;
  const ir =
    irVersion > RUNTIME_LIMITS.irVersion
      ? [
          `its IR version is ${irVersion}, at most ${RUNTIME_LIMITS.irVersion} is loaded; save it with an older onnx package`,
        ]
      : [];
  const newer = Object.entries(opsets).flatMap(([domain, version]) => {
    const newest = known[domain];
    if (newest === undefined || version <= newest) return [];
    return `it was made for opset ${version} of ${nameOf(domain)}, at most ${newest} is loaded; export it with opset_version=${newest}`;
  });
  return [...ir, ...newer];
};

const operatorProblems = ({ operators, functions }: ModelDescription): string[] => {
  const unknown = operators.filter(
    (operator) => !Object.hasOwn(RUNTIME_LIMITS.opsets, operator.domain) && !functions.includes(operatorName(operator)),
  );
  if (unknown.length === 0) return [];
  const names = unknown.map((operator) => operatorName(operator));
  return [
    `its operators ${names.slice(0, 10).join(', ')} are neither of ONNX nor of onnxruntime, which has no custom operators here; ` +
      'export it with standard operators',
  ];
};

const typeProblem = (place: 'input' | 'output', value: DeclaredValue): string[] => {
  if (isDType(value.type)) return [];
  const remedy = value.type.startsWith('bfloat') ? 'export it with float32 there' : 'export it with tensors';
  return [
    `its ${place} "${value.name}" is ${formatDeclared({ ...value, name: '' }).trim()}, which the JavaScript runtime cannot exchange; ${remedy}`,
  ];
};

/** Reasons for which a graph cannot be loaded or called, as far as they stand in its file; none for a graph that a trial run may try. */
export const graphProblems = (model: ModelDescription): string[] => [
  ...opsetProblems(model),
  ...operatorProblems(model),
  ...model.inputs.flatMap((value) => typeProblem('input', value)),
  ...model.outputs.flatMap((value) => typeProblem('output', value)),
];
