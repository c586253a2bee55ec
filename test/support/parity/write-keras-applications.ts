import { readFile, writeFile } from 'node:fs/promises';
import { APPLICATIONS, measureKerasFolder } from './keras.ts';
import type { ParityRow } from './parity-row.ts';

/** `npm run parity:keras -- <folder>…` compares the models of test/reference/keras_applications.py, and records them in the place of older rows. */

const measured = (await Promise.all(process.argv.slice(2).map(measureKerasFolder))).flat();
const recorded = JSON.parse(await readFile(APPLICATIONS, 'utf8')) as ParityRow[];
const rows = new Map([...recorded, ...measured].map((row) => [row.model, row]));
await writeFile(APPLICATIONS, `${JSON.stringify([...rows.values()], null, 2)}\n`);
console.table(measured);
