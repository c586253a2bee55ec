import type { LayerPackages } from '../layer-packages.ts';

/** The files that `require('sharp')` reads on Lambda: its CommonJS half, three small packages, and libvips for one architecture. */
export const packages: LayerPackages = (cpu) => [
  { name: 'sharp', files: ['package.json', 'LICENSE', 'dist/*.cjs'], bundled: true },
  { name: '@img/colour', files: ['package.json', 'LICENSE.md', '*.cjs'] },
  { name: 'detect-libc', files: ['package.json', 'LICENSE', 'lib/*.js'] },
  { name: 'semver', files: ['package.json', 'LICENSE', 'index.js', '{classes,functions,internal,ranges}/*.js'] },
  { name: `@img/sharp-linux-${cpu}`, files: ['package.json', 'LICENSE', 'index.cjs', 'lib/*.node'] },
  {
    name: `@img/sharp-libvips-linux-${cpu}`,
    files: ['package.json', 'README.md', 'versions.json', 'lib/index.js', 'lib/*.so.*'],
  },
];
