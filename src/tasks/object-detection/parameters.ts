import type { ParameterTable } from '../parameters.ts';

const FRACTION = { type: 'number', minimum: 0, maximum: 1 } as const;

export const PARAMETERS = {
  threshold: { ...FRACTION, description: "Boxes score more. Default: the detector's own." },
  iou: {
    ...FRACTION,
    description:
      'Two boxes of a label overlap by at most this much. Only detectors that do not suppress boxes take it.',
  },
} as const satisfies ParameterTable;
