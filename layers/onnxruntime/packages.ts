import type { LayerPackages } from '../layer-packages.ts';

/**
 * The files that `require('onnxruntime-node')` reads on Lambda: the CPU runtime of one architecture, 46 of the package's 290 MB.
 * `adm-zip` and `global-agent` serve only the package's install script. XGrammar is there for the functions that run models, which read it when
 * a request has a grammar: none has to carry it in its own zip.
 */
export const packages: LayerPackages = (cpu) => [
  { name: 'onnxruntime-node', files: ['package.json', 'dist/*.js', `bin/napi-v6/linux/${cpu}/*`], bundled: true },
  { name: 'onnxruntime-common', files: ['package.json', 'dist/cjs/package.json', 'dist/cjs/*.js'] },
  { name: '@mlc-ai/web-xgrammar', files: ['package.json', 'lib/index.js'] },
];
