import { refuse } from '../../core/errors.ts';
import { Part } from './part.ts';
import { parseUbjson } from './ubjson.ts';

/** A text of the document, or a word that JSON lacks and XGBoost writes: NaN where a node has no threshold. */
const TEXT_OR_WORD = /"(?:[^"\\]|\\.)*"|-?\b(?:NaN|nan|Infinity|inf)\b/g;

/** JSON as XGBoost writes it; NaN becomes null. */
const parseJson = (bytes: Buffer): unknown => {
  try {
    const text = bytes.toString();
    return JSON.parse(
      /nan|inf/i.test(text)
        ? text.replace(TEXT_OR_WORD, (word) => {
            if (word.startsWith('"')) return word;
            return /nan/i.test(word) ? 'null' : `${word.startsWith('-') ? '-' : ''}1e999`;
          })
        : text,
    );
  } catch (error) {
    const what = error instanceof SyntaxError ? 'it is no JSON, or was cut short' : 'it is too large for JSON';
    return refuse('MODEL_INVALID', `XGBoost: ${what}: save the model as UBJSON, booster.save_model("x.ubj")`);
  }
};

/** A byte-order mark and blanks, then an object with a name. UBJSON has the marker of a length in the place of the name. */
const isJson = (bytes: Buffer): boolean =>
  /^(?:\xef\xbb\xbf)?\s*(?:\{\s*["}]|\[\s*[{\]])/.test(bytes.toString('latin1', 0, 64));

const parse = (bytes: Buffer): unknown => {
  if (isJson(bytes)) return parseJson(bytes[0] === 0xef ? bytes.subarray(3) : bytes);
  if (bytes[0] === '{'.charCodeAt(0)) return parseUbjson(bytes);
  return refuse(
    'MODEL_INVALID',
    'XGBoost: it begins as neither JSON nor UBJSON, and may be of the old binary format: ' +
      'load it with the version that wrote it, and save it with booster.save_model("x.json")',
  );
};

/** A document of XGBoost: its learner and the version that wrote it, such as `3.2.0`. */
export interface XgboostDocument {
  readonly learner: Part;
  readonly version: string;
}

/**
 * Reads `.json`, `.ubj`, or the buffer of a pickled booster, which has the model beside its configuration.
 * https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html
 * @throws `MODEL_INVALID` for anything else
 */
export const readDocument = (bytes: Buffer): XgboostDocument => {
  const value = parse(bytes);
  if (Array.isArray(value))
    refuse(
      'MODEL_INVALID',
      'XGBoost: it is a list of trees, as dump_model writes it for people: save the model with booster.save_model("x.json")',
    );
  const document = new Part(value, 'the document');
  const model = document.find('Model') ?? document;
  const learner = model.find('learner');
  if (learner === undefined)
    return refuse(
      'MODEL_INVALID',
      'XGBoost: the document has no "learner", so it is no model of XGBoost: save one with booster.save_model("x.json")',
    );
  return { learner, version: Array.from(model.get('version').numbers()).join('.') };
};
