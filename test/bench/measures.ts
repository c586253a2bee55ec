import type { Figure } from './figures.ts';

export type Bar = { readonly atMost: number } | { readonly atLeast: number };
export type Measure = Bar & { readonly what: string };

/** What is measured, always against a floor or a peer of the same run, and the bar it has to clear. */
export const MEASURES = {
  'cold.floor_ratio': { what: 'cold start of the packaged infer, over a bare script', atMost: 1.5 },
  'cold.transformersjs_ratio': {
    what: 'cold start, over a handler of transformers.js with its model in S3',
    atMost: 1,
  },
  'cold.python_ratio': { what: 'cold start, over a handler in Python (boto3) with its model in S3', atMost: 1 },
  'cold.embedded_floor_ratio': { what: 'cold start with the model in the layer, over a bare script', atMost: 1.3 },
  'cold.embedded_transformersjs_ratio': {
    what: 'cold start with the model in the layer, over transformers.js with local files',
    atMost: 0.8,
  },
  'cold.embedded_python_ratio': {
    what: 'cold start with the model in the layer, over Python with local files',
    atMost: 1.05,
  },
  'cold.init_import_ms_share': {
    what: 'share of the cold start that imports our bundle',
    atMost: 0.35,
  },
  'cold.collector_ratio': { what: 'cold start with a collector of OpenTelemetry, over one without', atMost: 1.05 },
  'warm.tabular_overhead_us': { what: 'a row to iris, event to response, without its session.run, µs', atMost: 250 },
  'warm.capture_overhead_us': {
    what: 'a row to iris whose prediction is captured, over one without that, µs',
    atMost: 30,
  },
  'warm.image_ratio': { what: 'JPEG 640×480 → answer, over decode, resize and session.run', atMost: 1.08 },
  'warm.v2_json_ratio': { what: '3×224×224 floats in JSON, over JSON.parse, fill and run', atMost: 1.15 },
  'warm.v2_binary_ratio': { what: '3×224×224 floats as bytes, over base64 decode and run', atMost: 1.08 },
  'warm.v2_mlserver_ratio': { what: '1 MB of floats in JSON and back, over MLServer', atMost: 1 },
  'warm.embeddings_ratio': {
    what: '32 sentences to MiniLM, over the faster of transformers.js and Python',
    atMost: 1.05,
  },
  'warm.entities_ratio': {
    what: 'three sentences to an encoder of the size of BERT-base that labels tokens, over the faster of both',
    atMost: 1.05,
  },
  'warm.translation_ratio': {
    what: '60 tokens by a model of the size of T5-small, over the faster of both',
    atMost: 1.05,
  },
  'warm.speech_ratio': { what: '30 s of sound to a tiny Whisper, over the faster of both', atMost: 1.05 },
  'warm.photo_ratio': { what: 'a JPEG of 12 megapixels, over the faster of both', atMost: 1.05 },
  'text.wordpiece_ratio': { what: '594 sentences to ids of WordPiece, over the library of transformers.js', atMost: 1 },
  'text.unigram_ratio': { what: '594 sentences to ids of a unigram tokenizer, over the same library', atMost: 1 },
  'text.bpe_ratio': { what: '594 sentences to ids of BPE, over the same library', atMost: 1 },
  'text.bpe_rust_ratio': {
    what: '594 sentences to ids of BPE, over the Python package tokenizers, which is written in Rust',
    atMost: 2.5,
  },
  'sound.log_mel_ratio': { what: "30 s of sound to Whisper's spectrogram, over torch in one thread", atMost: 1.5 },
  'batch.throughput_ratio': { what: '64 JPEGs through on-upload, over a raw loop and one run', atLeast: 0.92 },
  'bulk.throughput_ratio': { what: '2,000 JPEGs through a child of a bulk run, over a raw loop', atLeast: 0.92 },
  'bulk.table_ratio': {
    what: '100,000 rows of CSV through a child of a bulk run, over a raw loop, which writes all digits of its scores',
    atLeast: 0.9,
  },
  'load.download_ratio': { what: '100 MB from S3, verified, over the best raw ranged download', atMost: 1.25 },
  'load.create_ratio': { what: 'creating the session of 100 MB as pushed, over the plain file by path', atMost: 0.65 },
  'load.peak_rss_ratio': { what: 'memory that loading 100 MB and a first run take, over 100 MB', atMost: 1.3 },
  'llm.decode_ratio': {
    what: '64 tokens of 135 M int4 weights, a bare loop of runs over ours with sampling',
    atLeast: 0.93,
  },
  'llm.genai_ratio_16': {
    what: 'tokens/s after 16 tokens over onnxruntime-genai in Python, same files, one thread',
    atLeast: 0.95,
  },
  'llm.genai_ratio': {
    what: 'tokens/s after 512 tokens over onnxruntime-genai in Python, same files, one thread',
    atLeast: 0.85,
  },
  'llm.genai_ratio_2000': {
    what: 'tokens/s after 2,000 tokens over onnxruntime-genai in Python, same files, one thread',
    atLeast: 0.75,
  },
  'llm.transformersjs_ratio': {
    what: 'tokens/s after 16 tokens over transformers.js, same files, one thread',
    atLeast: 1,
  },
  'llm.prefix_ttft_ratio': { what: 'first token after 513 tokens of which 512 are known, over none', atMost: 0.25 },
  'llm.ttft_cold_ratio': {
    what: 'first token of a cold infer, 135 M int4 weights in S3, over a bare script that downloads the same files',
    atMost: 1.4,
  },
  'llm.load_ratio': { what: '1 GB from S3, verified, over the best raw ranged download', atMost: 1.3 },
  'llm.peak_rss_ratio': { what: 'memory that loading 1 GB and a first run take, over 1 GB', atMost: 1.25 },
  'size.infer_zip_kb': { what: 'the packaged infer, zipped, kB', atMost: 650 },
  'size.layer_mb': { what: 'the onnxruntime layer, zipped, MB', atMost: 18.5 },
  'scale.metadata_requests': { what: 'S3 requests besides file parts until a cold model answers, of 1,000', atMost: 2 },
  'scale.metadata_requests_warm': { what: 'S3 requests of the next answer by the same model', atMost: 0 },
  'optimise.minilm_speedup': { what: 'MiniLM for 128 tokens, CPU time in float32 over that in int8', atLeast: 1.7 },
  'optimise.minilm_cosine': {
    what: 'mean cosine of its vectors of 60 sentences in int8 with those in float32',
    atLeast: 0.988,
  },
  'optimise.minilm_python_cosine': {
    what: "mean cosine of its vectors in int8 with those of Python's quantizer",
    atLeast: 0.998,
  },
  'optimise.sentiment_lost_points': { what: 'points of accuracy that sentiment loses in int8', atMost: 1 },
  'optimise.lite0_judged': {
    what: 'EfficientNet-Lite0 in int8: 1 if it passes 1.4 times as fast, or the gate refuses it',
    atLeast: 1,
  },
} as const satisfies Record<string, Measure>;

export type MeasureName = keyof typeof MEASURES;
/** A number where nothing varies. */
export type Figures = Partial<Record<MeasureName, Figure | number>>;

export interface Results {
  readonly figures: Figures;
  /** Milliseconds on this machine by what took them: what the ratios are made of. */
  readonly times: Readonly<Record<string, Figure>>;
}

export const clears = (bar: Bar, value: number): boolean =>
  'atMost' in bar ? value <= bar.atMost : value >= bar.atLeast;

export const medianOf = (figure: Figure | number): number => (typeof figure === 'number' ? figure : figure.median);
