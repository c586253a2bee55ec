/**
 * The name of a graph's input for a column of a table, as skl2onnx makes it (`_generate_unique_name`): `fare (GBP)` → `fare__GBP_`.
 * https://github.com/onnx/sklearn-onnx/blob/main/skl2onnx/common/_topology.py
 */
export const toInputName = (column: string): string =>
  column.replace(/[^\p{L}\p{N}_+]/gu, '_').replace(/^(?=[0-9])/, '_');
