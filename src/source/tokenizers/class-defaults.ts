/** A special token of a class: its text, or with flags that win over those in tokenizer.json. */
export type DefaultToken =
  | string
  | { readonly content: string; readonly lstrip: boolean; readonly normalized: boolean };

/** Settings that a class of `transformers` 4.57 has where tokenizer_config.json names none. */
export interface ClassDefaults {
  readonly tokens: Readonly<Record<string, DefaultToken>>;
  readonly additional?: readonly string[];
  /** Default: right. */
  readonly paddingSide?: 'left';
}

type Tokens = Readonly<Record<string, DefaultToken>>;

/** Takes the space before it. */
const mask = (content: string, normalized = false): DefaultToken => ({ content, lstrip: true, normalized });
const exact = (content: string, normalized = false): DefaultToken => ({ content, lstrip: false, normalized });

const toNames = (tokens: Tokens): Tokens =>
  Object.fromEntries(Object.entries(tokens).map(([role, token]) => [`${role}_token`, token]));

const UNKNOWN = { unk: '<unk>' };
const ENDS = { bos: '<s>', eos: '</s>', ...UNKNOWN };
const EOS_PAD = { eos: '</s>', ...UNKNOWN, pad: '<pad>' };
const FAIRSEQ = { ...ENDS, sep: '</s>', pad: '<pad>', cls: '<s>' };
const BERT = { unk: '[UNK]', sep: '[SEP]', pad: '[PAD]', cls: '[CLS]', mask: '[MASK]' };
const MASKED = { ...FAIRSEQ, mask: mask('<mask>') };
const ALBERT = {
  bos: '[CLS]',
  eos: '[SEP]',
  ...UNKNOWN,
  sep: '[SEP]',
  pad: '<pad>',
  cls: '[CLS]',
  mask: mask('[MASK]'),
};
const END = '<|endoftext|>';
const XLNET = { ...ENDS, sep: '<sep>', pad: '<pad>', cls: '<cls>' };
const MPNET = {
  ...{ bos: exact('<s>'), eos: exact('</s>'), sep: exact('</s>', true), pad: exact('<pad>'), cls: exact('<s>', true) },
  mask: mask('<mask>'),
};

/** Classes with the same special tokens, without `Tokenizer`. */
const GROUPS: readonly (readonly [classes: string, tokens: Tokens, more?: Omit<ClassDefaults, 'tokens'>])[] = [
  [
    'Bert ConvBert DPRContextEncoder DPRQuestionEncoder DPRReader DistilBert Electra LayoutLM LayoutLMv2 Lxmert MobileBert Realm ' +
      'RetriBert RoFormer SqueezeBert',
    BERT,
  ],
  ['Splinter', BERT, { additional: ['[QUESTION]'] }],
  ['Deberta DebertaV2', { ...BERT, bos: '[CLS]', eos: '[SEP]' }],
  ['Roberta Blenderbot Longformer Barthez LayoutXLM XLMRoberta', MASKED],
  ['Camembert', MASKED, { additional: ['<s>NOTUSED', '</s>NOTUSED', '<unk>NOTUSED'] }],
  ['Bart LED MBart MBart50 Nllb', { ...FAIRSEQ, mask: mask('<mask>', true) }],
  ['LayoutLMv3 MarkupLM Herbert', { ...FAIRSEQ, mask: '<mask>' }],
  ['XGLM SeamlessM4T', FAIRSEQ],
  ['MPNet', { ...MPNET, unk: exact('[UNK]') }],
  ['Mvp', { ...MPNET, unk: exact('<unk>') }],
  ['Albert RemBert', ALBERT],
  ['FNet', { ...UNKNOWN, sep: exact('[SEP]'), pad: '<pad>', cls: exact('[CLS]'), mask: mask('[MASK]') }],
  [
    'BigBird',
    {
      ...{ bos: exact('<s>'), eos: exact('</s>'), unk: exact('<unk>'), pad: exact('<pad>') },
      ...{ sep: exact('[SEP]'), cls: exact('[CLS]'), mask: mask('[MASK]') },
    },
  ],
  ['Funnel', { ...XLNET, mask: '<mask>' }],
  ['XLNet', { ...XLNET, mask: mask('<mask>') }, { additional: ['<eop>', '<eod>'], paddingSide: 'left' }],
  ['T5 MT5', EOS_PAD],
  ['Pegasus', { ...EOS_PAD, mask: '<mask_2>' }, { additional: ['<mask_1>'] }],
  ['Udop', { ...EOS_PAD, sep: '</s>' }],
  ['Reformer', { eos: '</s>', ...UNKNOWN }],
  ['OpenAIGPT', UNKNOWN],
  ['Bloom', { ...ENDS, pad: '<pad>' }],
  ['Marian M2M100', EOS_PAD],
  ['CLIP', { bos: '<|startoftext|>', eos: END, unk: END, pad: END }],
  ['CodeGen GPT2 GPTNeoX', { bos: END, eos: END, unk: END }],
  ['Whisper', { bos: exact(END), eos: exact(END), unk: exact(END) }],
  ['Qwen2', { eos: exact(END), unk: exact(END), pad: exact(END) }],
  ['Llama', ENDS, { paddingSide: 'left' }],
  ['CodeLlama', ENDS, { additional: ['▁<PRE>', '▁<MID>', '▁<SUF>', '▁<EOT>'], paddingSide: 'left' }],
  ['Gemma', { bos: '<bos>', eos: '<eos>', ...UNKNOWN, pad: '<pad>' }, { paddingSide: 'left' }],
  ['Cohere', { bos: '<BOS_TOKEN>', eos: '<|END_OF_TURN_TOKEN|>', unk: '<UNK>' }, { paddingSide: 'left' }],
];

const CLASSES: ReadonlyMap<string, ClassDefaults> = new Map(
  GROUPS.flatMap(([classes, tokens, more]) =>
    classes.split(' ').map((name) => [`${name}Tokenizer`, { ...more, tokens: toNames(tokens) }] as const),
  ),
);

const NONE: ClassDefaults = { tokens: {} };

/** The defaults of a class without `Fast`; other classes have none. */
export const defaultsOf = (className: string | undefined): ClassDefaults => CLASSES.get(className ?? '') ?? NONE;

/** The text of a special token that tokenizer_config.json does not name. */
export const defaultText = (className: string | undefined, role: string): string | undefined => {
  const token = defaultsOf(className).tokens[role];
  return typeof token === 'object' ? token.content : token;
};
