/** Imports go one way: functions, cli, local → lambda → http → serving → {engine, repository, tasks, protocol} → core. */
const only = (name, from, allowed, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from },
  to: { path: '^(src|functions|cli|local|layers|models|test)/', pathNot: [from, ...allowed] },
});

const door = (name, packages, allowed) => ({
  name,
  severity: 'error',
  comment: `only ${allowed.join(', ')} may import ${packages}`,
  from: { path: '^(src|functions)/', pathNot: allowed },
  to: { path: packages },
});

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      comment: 'a source file nobody imports is dead',
      from: { orphan: true, path: '^src/' },
      to: {},
    },
    {
      name: 'no-dev-dependencies-in-functions',
      severity: 'error',
      from: { path: '^(src|functions)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    only('core-stands-alone', '^src/core/', [], 'core imports nothing of the project'),
    only('repository-on-core', '^src/repository/', ['^src/core/'], 'where models live knows nothing of what they do'),
    only('engine-on-repository', '^src/engine/', ['^src/core/', '^src/repository/'], 'the engine reads bundles'),
    only('tasks-on-core', '^src/tasks/', ['^src/core/'], 'tasks are pure'),
    only('protocol-on-core', '^src/protocol/', ['^src/core/'], 'protocols translate'),
    only('serving-below-http', '^src/serving/', ['^src/(core|repository|engine|tasks|protocol)/'], 'no transport here'),
    only(
      'http-below-lambda',
      '^src/http/',
      ['^src/(core|repository|protocol|serving)/'],
      'the application knows no Lambda event',
    ),
    only('lambda-below-functions', '^src/lambda/', ['^src/'], 'adapters import the application'),
    only('functions-only-wire', '^functions/', ['^src/'], 'a function imports src alone'),
    only('cli-apart', '^cli/', ['^src/'], 'the command line imports src alone'),
    only('local-apart', '^local/', ['^src/', '^cli/'], 'the local server may push as the command line does'),
    door('one-door-to-onnxruntime', '^(node_modules/)?onnxruntime-', ['^src/engine/']),
    door('one-door-to-powertools', '@aws-lambda-powertools', ['^src/lambda/telemetry']),
    door('one-door-to-s3', '@aws-sdk/', ['^src/repository/s3-']),
    door('one-door-to-sharp', '^(node_modules/)?sharp', ['^src/tasks/image/']),
    door('one-door-to-tokenizers', '@huggingface/tokenizers', ['^src/tasks/text/tokenizer/patterns']),
    door('one-door-to-audio-decoders', '^(node_modules/)?(@wasm-audio-decoders|mpg123-decoder|opus-decoder)', [
      '^src/tasks/audio/',
    ]),
    door('one-door-to-csv', '^(node_modules/)?csv-parse', ['^src/tasks/tabular/csv']),
    door('hono-routes-http', '^(node_modules/)?hono', ['^src/http/']),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['layers/[^/]+/build', '\\.serverless', '\\.esbuild'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { conditionNames: ['import', 'node', 'default', 'types'], exportsFields: ['exports'] },
  },
};
