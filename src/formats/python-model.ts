import { importPickledBooster } from './boosting/pickled-boosters.ts';
import type { ImportedModel } from './imported-model.ts';
import type { PyValue } from './pickle/values.ts';
import { importSklearn } from './sklearn/import-sklearn.ts';

/** A model that Python saved as an object, in whatever file. @throws `MODEL_INVALID` for an object of a class that is not converted */
export const importPythonModel = (value: PyValue): ImportedModel => importPickledBooster(value) ?? importSklearn(value);
