import { stripTypeScriptTypes } from 'node:module';

/** Jest transformer: erases types in place, so that line and column numbers stay those of the source. */
export default { process: (source) => ({ code: stripTypeScriptTypes(source) }) };
