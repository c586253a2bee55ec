/** The least that answers a cold call: Node, onnxruntime, sharp, a model and a JPEG from disk, one run. Its answer is the line it prints. */
import { readFileSync } from 'node:fs';
import { openClassifier } from './classifier.ts';

const [, , modelPath = '', jpegPath = ''] = process.argv;
const classify = await openClassifier(modelPath);
console.log(JSON.stringify(Array.from(await classify([readFileSync(jpegPath)]))));
