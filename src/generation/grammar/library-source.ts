import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** XGrammar for JavaScript with its WebAssembly, as text: its package says that it is an ES module, and it is none. The bundler puts the text here. */
export const LIBRARY_SOURCE = readFileSync(createRequire(import.meta.url).resolve('@mlc-ai/web-xgrammar'), 'utf8');
