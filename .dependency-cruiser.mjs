/**
 * Imports go one way:
 * core → metrics; {media, metrics} → evaluation → cli;
 * core → onnx → {formats, source}; core → {media, generation} → tasks; core → repository → {engine, access};
 * repository → capture; {tasks, engine, repository, protocol, capture} → serving → jobs → http → lambda → functions; {formats, source, tasks, serving} → authoring → {cli, local}.
 * core → deployment → {layers, local, advise};
 * {evaluation, authoring} → optimise → advise → cli; {metrics, capture} → monitoring → {serving, lambda, cli}.
 */
const ROOMS = '^(src|functions|cli|local|layers|models|extensions|examples|test|events|docs)/';

const RECIPE = '^src/tasks/.*recipe[.]ts$';

/** Files that start without an import, types of packages, and files that extensions and further functions of a clone import. */
const ENTRY =
  '/main[.]ts$|[.]d[.]ts$|^local/(invoke-local|functions/function-child)[.]ts$|^src/(contract/|(lambda/response-stream|authoring/trial-process|optimise/measuring/measuring-process)[.]ts$)';

const only = (name, from, allowed, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from, pathNot: [RECIPE] },
  to: { path: ROOMS, pathNot: [from, ...allowed] },
});

const door = (name, packages, allowed) => ({
  name,
  severity: 'error',
  comment: `only ${allowed.join(', ')} may import ${packages}`,
  from: { path: '^(src|functions)/', pathNot: allowed },
  to: { path: packages },
});

const src = (...rooms) => `^src/(${rooms.join('|')})/`;
const SERVING = src(
  ...['core', 'media', 'generation', 'tasks', 'repository', 'engine', 'protocol', 'capture', 'monitoring', 'serving'],
);

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-unused-files',
      severity: 'error',
      comment: 'a source file that nobody imports, but for tests, is dead',
      module: { path: '^(src|cli|local)/', pathNot: [ENTRY], numberOfDependentsLessThan: 1 },
      from: { pathNot: '^test/' },
    },
    {
      name: 'no-dev-dependencies-in-functions',
      severity: 'error',
      from: {
        path: '^(src|functions)/',
        pathNot: [src('authoring', 'formats', 'source', 'onnx', 'optimise', 'advise'), RECIPE],
      },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    only('core-stands-alone', src('core'), [], 'core imports nothing of the project'),
    only(
      'metrics-on-core',
      src('metrics'),
      [src('core')],
      'figures know no model, so that monitoring can use them too',
    ),
    only(
      'evaluation-on-metrics',
      src('evaluation'),
      [src('core', 'media', 'metrics')],
      'samples and answers, wherever a model runs',
    ),
    only('onnx-on-core', src('onnx'), [src('core')], 'graphs are bytes here'),
    only('formats-on-onnx', src('formats'), [src('core', 'onnx')], 'formats become graphs, and know no task'),
    only('media-on-core', src('media'), [src('core')], 'images, audio, text and tables know no task'),
    only('generation-on-core', src('generation'), [src('core')], 'generation knows graphs alone'),
    only('repository-on-core', src('repository'), [src('core')], 'the repository knows no task'),
    only(
      'monitoring-on-repository',
      src('monitoring'),
      [src('core', 'metrics', 'repository', 'capture')],
      'monitoring knows counts and records, and no model',
    ),
    only('access-on-repository', src('access'), [src('core', 'repository')], 'access knows no transport'),
    only('capture-on-repository', src('capture'), [src('core', 'repository')], 'records know no task and no transport'),
    only('protocol-on-core', src('protocol'), [src('core')], 'protocols translate'),
    only(
      'openapi-on-tasks',
      src('openapi'),
      [src('core', 'media', 'tasks', 'protocol', 'repository')],
      'the document describes models, and runs none',
    ),
    only('engine-on-repository', src('engine'), [src('core', 'repository')], 'the engine reads bundles'),
    only('source-on-onnx', src('source'), [src('core', 'onnx', 'media')], 'the source is a folder of this computer'),
    only(
      'tasks-are-pure',
      src('tasks'),
      [src('core', 'media', 'generation'), '^src/protocol/open-inference/'],
      'tasks do no I/O; the tensor task speaks the Open Inference Protocol',
    ),
    {
      name: 'recipes-read-the-source',
      severity: 'error',
      comment: 'a recipe imports its task, the source, and what these import',
      from: { path: RECIPE },
      to: { path: ROOMS, pathNot: [src('core', 'media', 'onnx', 'source', 'tasks')] },
    },
    {
      name: 'recipes-stay-out-of-functions',
      severity: 'error',
      comment: 'only the list of tasks and other recipes may import a recipe',
      from: { pathNot: [RECIPE, '^src/tasks/index\\.ts$', '^test/'] },
      to: { path: RECIPE, dependencyTypesNot: ['type-only'] },
    },
    only('serving-below-http', src('serving'), [SERVING], 'serving knows no transport'),
    only('jobs-on-serving', src('jobs'), [SERVING], 'jobs know no transport'),
    only(
      'http-below-lambda',
      src('http'),
      [src('access', 'core', 'repository', 'protocol', 'capture', 'monitoring', 'serving', 'jobs')],
      'no Lambda event here',
    ),
    only(
      'lambda-below-functions',
      src('lambda'),
      [SERVING, src('access', 'jobs', 'http', 'openapi')],
      'adapters import the application',
    ),
    only(
      'authoring-beside-serving',
      src('authoring'),
      [SERVING, src('onnx', 'formats', 'source')],
      'authoring prepares versions, for the command line and the local server',
    ),
    only(
      'optimise-on-authoring',
      src('optimise'),
      [SERVING, src('onnx', 'metrics', 'evaluation', 'authoring')],
      'optimise prepares versions as a push does, and measures them',
    ),
    only(
      'advise-on-optimise',
      src('advise'),
      [SERVING, src('metrics', 'evaluation', 'authoring', 'optimise', 'deployment')],
      'advise measures versions as optimise does',
    ),
    only(
      'passes-on-onnx',
      '^src/optimise/passes/',
      [src('core', 'onnx')],
      'a pass makes a graph of a graph, and runs nothing',
    ),
    only('functions-only-wire', '^functions/', [src('lambda')], 'a function imports its adapter alone'),
    only('cli-on-src', '^cli/', ['^src/'], 'the command line imports src alone'),
    only('local-on-src', '^local/', ['^src/'], 'the local server imports src alone'),
    only(
      'contract-of-tasks',
      src('contract'),
      [src('core', 'media', 'source', 'tasks')],
      'the contract is what tasks use',
    ),
    only(
      'extensions-on-the-contract',
      '^(extensions|examples)/',
      [src('contract')],
      'extensions import the public contract',
    ),
    only('deployment-on-core', src('deployment'), [src('core')], 'parameters become parts of a deployment'),
    only(
      'layers-apart',
      '^layers/(?!(models-layer|plugin|scaling|fleet|parameters|stack-tags)[.]ts$)',
      ['^layers/'],
      'layers import nothing of the project',
    ),
    only(
      'parameters-on-deployment',
      '^layers/(plugin|scaling|fleet|parameters|stack-tags)[.]ts$',
      ['^layers/', src('core', 'deployment')],
      'the plugin hands the parameters on',
    ),
    only(
      'models-layer-on-authoring',
      '^layers/models-layer[.]ts$',
      ['^layers/', src('authoring', 'core', 'repository')],
      'the layer of models is packed from the repository',
    ),
    {
      name: 'nobody-imports-tests',
      severity: 'error',
      from: { pathNot: '^test/' },
      to: { path: '^test/' },
    },
    door('one-door-to-onnxruntime', '^(node_modules/)?onnxruntime-', [src('engine')]),
    door('one-door-to-powertools', '@aws-lambda-powertools', ['^src/lambda/(telemetry|metrics)']),
    door('one-door-to-opentelemetry', '@opentelemetry', ['^src/lambda/telemetry/collector/(exporter|record-)']),
    door('one-door-to-s3', '@aws-sdk/(?!client-(sqs|sns))', ['^src/repository/stores/s3-']),
    door('one-door-to-sqs', '@aws-sdk/client-sqs', ['^src/lambda/message-queue']),
    door('one-door-to-sns', '@aws-sdk/client-sns', ['^src/lambda/notification']),
    door('one-door-to-tokens', '^(node_modules/)?jose', ['^src/access/identify-token']),
    door('one-door-to-sharp', '^(node_modules/)?sharp', ['^src/media/image/']),
    door('one-door-to-tokenizers', '@huggingface/tokenizers', ['^src/media/text/tokenizer/patterns']),
    door('one-door-to-audio-decoders', '^(node_modules/)?(@wasm-audio-decoders|mpg123-decoder|opus-decoder)', [
      '^src/media/audio/',
    ]),
    door('one-door-to-hdf5', '^(node_modules/)?h5wasm', ['^src/formats/keras/']),
    door('one-door-to-csv', '^(node_modules/)?csv-parse', ['^src/media/table/csv']),
    door('hono-routes-http', '^(node_modules/)?hono', ['^src/http/']),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: {
      path: ['layers/[^/]+/build', '\\.serverless', '\\.esbuild', '^test/fixtures/models', '^test/bench/peers'],
    },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { conditionNames: ['import', 'node', 'default', 'types'], exportsFields: ['exports'] },
  },
};
