/** A figure for people, and the direction in which it gets better. */
export interface FigureKind {
  readonly title: string;
  readonly isBetter: 'higher' | 'lower';
}

const higher = (title: string): FigureKind => ({ title, isBetter: 'higher' });
const lower = (title: string): FigureKind => ({ title, isBetter: 'lower' });

const FIGURES: Readonly<Record<string, FigureKind>> = {
  accuracy: higher('accuracy'),
  macroF1: higher('macro F1'),
  exactMatch: higher('all labels right'),
  microF1: higher('micro F1'),
  logLoss: lower('log loss'),
  ece: lower('expected calibration error'),
  precision: higher('precision'),
  recall: higher('recall'),
  f1: higher('F1'),
  map50: higher('mAP@50'),
  map50To95: higher('mAP@50:95'),
  wer: lower('word error rate'),
  cer: lower('character error rate'),
  bleu: higher('BLEU'),
  chrf: higher('chrF2'),
  sameText: higher('exact match'),
  perplexity: lower('perplexity'),
  rouge1: higher('ROUGE-1'),
  rouge2: higher('ROUGE-2'),
  rougeL: higher('ROUGE-L'),
  rougeLsum: higher('ROUGE-Lsum'),
  mae: lower('mean absolute error'),
  rmse: lower('root mean squared error'),
  r2: higher('R²'),
  residualSumOfSquares: lower('residual sum of squares'),
  cosine: higher('cosine'),
  sameNeighbour: higher('same nearest neighbour'),
  neighbourLabel: higher('nearest neighbour of the same label'),
  sameAnswer: higher('same answer'),
  scoreDistance: lower('largest difference of a score, on average'),
};

/** The kind of a figure; one of a label, such as `PER: f1`, and recall@k and nDCG@k get better upwards. */
export const figureKind = (name: string): FigureKind => FIGURES[name] ?? higher(name);
