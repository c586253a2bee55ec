import type { Parity } from '../image-parity.ts';
import { formatTolerance, graphTolerance } from '../processors/tolerances.ts';
import type { ParityRow } from './parity-row.ts';

/** From this margin on, the reference is sure of its first label. */
const SURE_MARGIN = 0.05;

export const LOGIT_TOLERANCE = graphTolerance('efficientnet-lite0/onnx/model.onnx');

/** The rows of the task's page: the worst of all images. docs/parity.md has each of them. */
export const imageClassificationRows = (images: readonly Parity[]): ParityRow[] => {
  const sure = images.filter(({ margin }) => margin > SURE_MARGIN);
  const others = sure.filter(({ label, expectedLabel }) => label !== expectedLabel);
  const worst = (difference: (image: Parity) => number): number => Math.max(...images.map(difference));
  const all = { model: 'efficientnet-lite0', inputs: images.length };
  return [
    {
      ...{ ...all, compared: 'mean difference of the pixels, in levels of 255', bar: '0.5' },
      worst: worst(({ meanPixelDifference }) => meanPixelDifference).toFixed(2),
    },
    {
      ...{ ...all, compared: 'logits from the same pixels', bar: formatTolerance(LOGIT_TOLERANCE) },
      worst: worst(({ logitDifference }) => logitDifference).toExponential(1),
    },
    {
      ...{ ...all, compared: "probabilities from the image's bytes", bar: '0.03' },
      worst: worst(({ probabilityDifference }) => probabilityDifference).toFixed(4),
    },
    {
      ...{
        ...all,
        inputs: sure.length,
        compared: `first label, if its margin in the reference exceeds ${SURE_MARGIN}`,
      },
      ...{ worst: others.length === 0 ? 'identical' : `${others.length} differ`, bar: 'identical' },
    },
  ];
};
