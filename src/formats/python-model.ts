import { refuse } from '../core/errors.ts';
import { importPickledBooster } from './boosting/pickled-boosters.ts';
import type { ImportedModel } from './imported-model.ts';
import { describe } from './pickle/describe.ts';
import type { PyValue } from './pickle/values.ts';

/** A model that Python saved as an object, in whatever file. @throws `MODEL_INVALID` for an object of a class that is not converted */
export const importPythonModel = (value: PyValue): ImportedModel =>
  importPickledBooster(value) ?? refuse('MODEL_INVALID', `the file holds ${describe(value)}, which is not converted`);
