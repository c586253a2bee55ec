/**
 * Brings the files of a model to a directory, and prints what became of it. A process of its own, because a limit on the size of
 * files belongs to a process. Arguments: `<directory store> <model> <directory>`.
 */
import { ServingError } from '../../src/core/errors.ts';
import { ensureFiles } from '../../src/engine/version-files.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { createDirectoryStore } from '../../src/repository/stores/directory-store.ts';

const [, , storeDirectory = '', name = '', directory = ''] = process.argv;
const store = createDirectoryStore(storeDirectory);
const bundle = await createModelRepository(store).bundle(name, 1);
const outcome = await ensureFiles(store, bundle, directory).then(String, (error) => ServingError.from(error).code);
process.stdout.write(outcome);
