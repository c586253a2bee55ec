import { classesOf } from './classes.ts';
import type { Converter, Converters } from './conversion.ts';
import { addLinear, argMin, join, pick, rowsOf, scalar } from './formulas.ts';
import { rowOf } from './frame.ts';
import { convertAll, scoreOf } from './multiclass.ts';

/**
 * The class whose code is nearest to the scores of the binary estimators. Distances lack the square of the scores, which all classes share: equal
 * distances stay equal so, and scikit-learn does the same. Margins are these distances below 0.
 */
const outputCode: Converter = (estimator, frame, conversion) => {
  const { graph } = conversion;
  const codes = estimator.matrix('code_book_');
  const scores = convertAll(estimator, frame, conversion).map(({ each, results }) => scoreOf(graph, each, results));
  const count = classesOf(estimator).length;
  if (scores.length !== codes.columns || codes.rows !== count)
    estimator.refuse(
      `code_book_ has ${codes.rows} rows of ${codes.columns}, expected ${count} classes of ${scores.length} estimators`,
    );
  const norms = rowsOf(codes).map((code) => code.reduce((sum, value) => sum + value * value, 0));
  const products = graph.op('Mul', [scalar(graph, -2), addLinear(graph, join(graph, scores), codes)]);
  const distances = graph.op('Add', [products, rowOf(graph, norms)]);
  const margins = graph.op('Neg', [distances]);
  const decision = count === 2 ? graph.op('Sub', [pick(graph, margins, 1), pick(graph, margins, 0)]) : margins;
  return { decision, classIndex: argMin(graph, distances) };
};

export const OUTPUT_CODES: Converters = { OutputCodeClassifier: outputCode };
