import { createRandom } from '../../src/core/random.ts';
import { createGrammarEngine } from '../../src/generation/grammar/engine.ts';

const PIECES = [
  '": ',
  '",',
  '"}',
  '"]',
  '{"',
  '["',
  'true',
  'null',
  '\\u',
  '\\ud83d',
  '\\ude00',
  '12',
  'e+',
  '😀',
  'a"',
];
const tokens = [
  ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
  ...PIECES.map((text) => Buffer.from(text)),
];
const END = tokens.length;
const engine = await createGrammarEngine({ tokens: [...tokens, undefined], ends: [END] });
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Texts that end the value, which chance takes more often than their share. */
const isEnd = (id: number): boolean => id === END || ['"', '}', ']'].includes(String(tokens[id]?.toString()));

/** Follows a grammar by chance. Undefined where it did not end within 600 tokens. @throws for bytes that are no UTF-8 */
const walk = (grammar: string, random: () => number): string | undefined => {
  const constraint = engine.constrain(grammar);
  const bytes: number[] = [];
  for (let count = 0; count < 600; count += 1) {
    const logits = new Float32Array(tokens.length + 1);
    constraint.mask(logits);
    const allowed = [...logits.keys()].filter((id) => logits[id] === 0);
    const ends = allowed.filter(isEnd);
    const choices = ends.length > 0 && random() < 0.3 ? ends : allowed;
    const id = choices[Math.floor(random() * choices.length)] ?? -1;
    constraint.accept(id);
    if (constraint.isEnd()) {
      constraint.release();
      return utf8.decode(Uint8Array.from(bytes));
    }
    bytes.push(...(tokens[id] ?? []));
  }
  return undefined;
};

/** Follows a grammar `walks` times. Returns the texts that ended. */
export const walkGrammar = (grammar: string, walks: number, seed: number): readonly string[] => {
  const random = createRandom(seed);
  return Array.from({ length: walks }, () => walk(grammar, random)).filter((text) => text !== undefined);
};
