/** A client of other people, or the page with examples, and the script that drives it. */
export interface Client {
  readonly name: string;
  /** A file of this folder: Python, TypeScript, or JavaScript that finds its packages in the temporary folder. */
  readonly script: string;
  /** The packages of a Python script, a file of this folder; `requirements.txt` otherwise. */
  readonly requirements?: string;
}

/** In the order of their runs. */
export const CLIENTS: readonly Client[] = [
  { name: 'tritonclient', script: 'triton.py' },
  { name: 'kserve', script: 'kserve_rest.py' },
  { name: 'huggingface_hub', script: 'hub.py' },
  { name: '@huggingface/inference', script: 'huggingface.ts' },
  { name: '@huggingface/inference, clients=javascript', script: 'huggingface-defaults.ts' },
  { name: 'mlserver infer', script: 'mlserver_infer.py', requirements: 'requirements-mlserver.txt' },
  { name: 'boto3', script: 's3.py' },
  { name: 'aws s3', script: 'aws_cli.py', requirements: 'requirements-aws.txt' },
  { name: 'rclone', script: 'rclone.py', requirements: 'requirements-aws.txt' },
  { name: 's3fs', script: 's3_files.py', requirements: 'requirements-s3fs.txt' },
  { name: 'duckdb', script: 'captures_sql.py', requirements: 'requirements-duckdb.txt' },
  { name: '@aws-sdk/client-s3', script: 's3-sdk.mjs' },
  { name: 'openai (PyPI)', script: 'openai_client.py' },
  { name: 'openai (npm)', script: 'openai.mjs' },
  { name: 'ai, @ai-sdk/openai-compatible', script: 'ai-sdk.mjs' },
  { name: 'aws-lambda-ric', script: 'lambda-runtime.ts' },
  { name: 'schemathesis', script: 'contract.py' },
  { name: 'opentelemetry-proto', script: 'opentelemetry.ts' },
  { name: 'docs/clients.md', script: 'page.ts' },
  { name: 'the page', script: 'page-snippets.ts' },
];

/** Graphs of `test/fixtures/models` that are served as tensors, by the name of the model. */
export const FILES: Readonly<Record<string, string>> = {
  add: 'add.onnx',
  every: 'every-dtype.onnx',
  'every-json': 'every-json-dtype.onnx',
  fixed: 'fixed-batch.onnx',
};

/** The model whose predictions are captured. */
export const CAPTURED = 'sentiment';

/** Models that chat, with the template of each. */
export const CHAT_MODELS: Readonly<Record<string, string>> = { chat: 'chatml', strict: 'mistral', tools: 'qwen-2.5' };

/** Models of `test/fixtures/models`, beside the samples that `npm start` pushes itself. */
export const FOLDERS: readonly string[] = [
  'tiny-bert-ner',
  'tiny-bert-sentences',
  'tiny-marian',
  'tiny-bart',
  'tiny-llama',
  'tiny-detr',
  'tiny-wav2vec2',
  'tiny-whisper',
  'tabular-mixed',
  'tabular-ridge',
];
