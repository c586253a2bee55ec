/** A format that cannot be converted here. */
interface Refusal {
  /** With its article: "x.pt is …". */
  readonly what: string;
  /** The way to a file that can be pushed; `{path}` stands for the file, `{folder}` for its folder. */
  readonly remedy: string;
}

const FROM_HUB =
  'a model of transformers is exported whole with: optimum-cli export onnx --model {folder} <new folder>';
const FROM_STATE =
  'load the weights into their network in Python, and export that: ' +
  'network.load_state_dict(torch.load("{path}", weights_only=True)); ' +
  `torch.onnx.export(network.eval(), (example,), "model.onnx"); ${FROM_HUB}`;
const UNPACK_JOBLIB =
  'save it again in Python: joblib.dump(joblib.load("{path}"), "model.joblib", compress=3), or unpack it with: ';

/** Formats by name. Commands are those of the newest versions of the tools. */
export const REFUSED_FORMATS = {
  torch: { what: 'a file of torch.save, which holds weights and no graph', remedy: FROM_STATE },
  'torch-legacy': {
    what: 'a file of torch.save before PyTorch 1.6, which holds weights and no graph',
    remedy: FROM_STATE,
  },
  'torch-script': {
    what: 'a TorchScript program',
    remedy:
      'export it in Python: torch.onnx.export(torch.jit.load("{path}").eval(), (example,), "model.onnx", dynamo=False)',
  },
  'torch-export': {
    what: 'a program of torch.export',
    remedy: 'export it in Python: torch.onnx.export(torch.export.load("{path}"), dynamo=True).save("model.onnx")',
  },
  'torch-pickle': {
    what: 'a pickle of PyTorch tensors or modules',
    remedy:
      'export the network in Python, where its class can be imported: ' +
      'torch.onnx.export(network.eval(), (example,), "model.onnx")',
  },
  torchserve: {
    what: 'an archive of TorchServe',
    remedy: 'unpack it with unzip "{path}", and export the model in it to ONNX: push names the command for its file',
  },
  safetensors: { what: 'a safetensors file, which holds weights and no graph', remedy: FROM_HUB },
  'saved-model': {
    what: 'a SavedModel of TensorFlow',
    remedy:
      'convert its folder with: python -m tf2onnx.convert --saved-model "{folder}" --output model.onnx --opset 18',
  },
  'frozen-graph': {
    what: 'a frozen graph of TensorFlow',
    remedy:
      'convert it with the names of its tensors: python -m tf2onnx.convert --graphdef "{path}" --output model.onnx ' +
      '--inputs <input>:0 --outputs <output>:0',
  },
  tflite: {
    what: 'a TensorFlow Lite model',
    remedy: 'convert it with: python -m tf2onnx.convert --tflite "{path}" --output model.onnx --opset 18',
  },
  catboost: {
    what: 'a CatBoost model',
    remedy: 'convert it in Python: CatBoost().load_model("{path}").save_model("model.onnx", format="onnx")',
  },
  'xgboost-binary': {
    what: 'an XGBoost model in the binary format that XGBoost 3.1 dropped',
    remedy: 'save it again with XGBoost 3.0 or older: xgboost.Booster(model_file="{path}").save_model("model.json")',
  },
  pmml: {
    what: 'a PMML document, which nothing converts to ONNX',
    remedy: 'push the model that it was made of, saved in Python: joblib.dump(model, "model.joblib")',
  },
  'core-ml': {
    what: 'a Core ML model',
    remedy:
      'convert it in Python: onnxmltools.utils.save_model(onnxmltools.convert_coreml(' +
      'coremltools.utils.load_spec("{path}")), "model.onnx"); or export the model that it was made of',
  },
  'core-ml-package': {
    what: 'a Core ML package, which nothing converts to ONNX',
    remedy:
      'export the model that it was made of, in PyTorch: torch.onnx.export(network.eval(), (example,), "model.onnx")',
  },
  gguf: {
    what: 'a language model of llama.cpp (GGUF)',
    remedy: 'texts are not generated here; serve it with llama.cpp: llama-server --model "{path}"',
  },
  ggml: {
    what: 'a model of ggml',
    remedy:
      'Whisper is pushed after: optimum-cli export onnx --model openai/whisper-tiny --task automatic-speech-recognition-with-past <folder>',
  },
  r: {
    what: 'an object of R',
    remedy:
      'save the model in R in a format of its library: xgb.save(model, "model.json"), or lgb.save(model, "model.txt")',
  },
  'spark-ml': {
    what: 'a model of Spark ML',
    remedy:
      'convert it in PySpark: onnxmltools.utils.save_model(onnxmltools.convert_sparkml(' +
      'PipelineModel.load("{path}"), "model", initial_types), "model.onnx")',
  },
  paddle: {
    what: 'a program of PaddlePaddle',
    remedy:
      'convert it with: paddle2onnx --model_dir "{folder}" --model_filename "{name}" ' +
      '--params_filename <name>.pdiparams --save_file model.onnx',
  },
  openvino: {
    what: 'a model of OpenVINO, which nothing converts to ONNX',
    remedy: 'export the model that it was made of: optimum-cli export onnx --model <model> <folder>',
  },
  tensorrt: {
    what: 'an engine of TensorRT, which was compiled for one GPU',
    remedy: 'push the .onnx file that it was built from',
  },
  ort: {
    what: 'a graph in the ORT format, which keeps no ONNX graph',
    remedy: 'push the .onnx file that it was made of',
  },
  bzip2: { what: 'compressed with bzip2', remedy: `${UNPACK_JOBLIB}bunzip2 --keep "{path}"` },
  xz: { what: 'compressed with xz or lzma', remedy: `${UNPACK_JOBLIB}xz --decompress --keep "{path}"` },
  lz4: { what: 'compressed with lz4', remedy: `${UNPACK_JOBLIB}lz4 --decompress "{path}"` },
  gzip: { what: 'compressed, and holds no model that is known', remedy: 'unpack it, and push what is in it' },
  zip: {
    what: 'a zip file without a model that is known',
    remedy: 'unpack it with unzip "{path}", and push what is in it',
  },
  'git-lfs': { what: 'a Git LFS pointer instead of the file itself', remedy: 'fetch that with: git lfs pull' },
  'web-page': {
    what: 'a web page, and no model',
    remedy: 'download the file itself; on Hugging Face its address has /resolve/ in the place of /blob/',
  },
  empty: { what: 'empty', remedy: 'copy or download it again' },
} as const satisfies Readonly<Record<string, Refusal>>;

export type RefusedFormat = keyof typeof REFUSED_FORMATS;

/** Names the format of the file, and the commands that make a model of it that can be pushed. */
export const describeRefusal = (format: RefusedFormat, path: string, folder: string): string => {
  const { what, remedy } = REFUSED_FORMATS[format];
  const name = path.slice(path.lastIndexOf('/') + 1);
  const places: Readonly<Record<string, string>> = { path, folder, name };
  return `${path} is ${what}; ${remedy.replaceAll(/\{(path|folder|name)\}/g, (_match, place: string) => places[place] ?? '')}`;
};

export const isRefused = (format: string | undefined): format is RefusedFormat =>
  format !== undefined && Object.hasOwn(REFUSED_FORMATS, format);

/** Formats of files that lie beside models. */
export const NO_MODELS: readonly string[] = ['gzip', 'zip', 'web-page', 'empty', 'bzip2', 'xz', 'lz4'];
