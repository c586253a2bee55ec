import { writeFile } from 'node:fs/promises';
import { APPLICATIONS, measureKerasFolder } from './keras.ts';

/** `npm run parity:keras -- <folder>…` compares the models of test/reference/keras_applications.py, and records them. */

const rows = (await Promise.all(process.argv.slice(2).map(measureKerasFolder))).flat();
await writeFile(APPLICATIONS, `${JSON.stringify(rows, null, 2)}\n`);
console.table(rows);
