import * as v from 'valibot';
import { ServingError } from '../../core/errors.ts';
import type { Signature } from '../../core/tensor.ts';
import type { Task } from '../task.ts';

/** The signature of the graph of a role. @throws `MODEL_INVALID` when there is none */
export type SignatureOf = (role: string) => Signature;

/** What reads speech, each imported when the first model of its kind comes. */
const KINDS = {
  ctc: async (settings, signatureOf) => (await import('./ctc/ctc.ts')).createCtc(settings, signatureOf('model')),
  whisper: async (settings, signatureOf) =>
    (await import('./whisper/whisper.ts')).createWhisper(settings, {
      encoder: signatureOf('encoder'),
      decoder: signatureOf('decoder'),
    }),
} as const satisfies Record<string, (settings: unknown, signatureOf: SignatureOf) => Promise<Task>>;

const settingsSchema = v.looseObject({ kind: v.picklist(Object.keys(KINDS) as (keyof typeof KINDS)[]) });

/**
 * A recording → `{text}`, with timestamps `{text, chunks: [{text, timestamp: [start, end]}]}` in seconds, as the Hugging Face pipeline of that
 * name answers; a list of recordings → a list of these.
 *
 * @throws `MODEL_INVALID` when `settings` or graphs are not those of a model of its kind
 */
export const createSpeechRecognition = async (settings: unknown, signatureOf: SignatureOf): Promise<Task> => {
  const parsed = v.safeParse(settingsSchema, settings);
  if (!parsed.success)
    throw new ServingError('MODEL_INVALID', `automatic-speech-recognition settings: ${v.summarize(parsed.issues)}`);
  return KINDS[parsed.output.kind](settings, signatureOf);
};
