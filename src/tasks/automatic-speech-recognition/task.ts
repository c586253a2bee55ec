import { signatureOf, type TaskType } from '../task-type.ts';
import { type SpeechSettings, settingsSchema } from './settings.ts';

/**
 * An audio file → `{text}`, with timestamps `{text, chunks: [{text, timestamp: [start, end]}]}` in seconds, as the Hugging Face pipeline of that
 * name answers; a list of audio files → a list of these. The code of each kind is imported when its first model is used.
 */
export const automaticSpeechRecognition: TaskType<SpeechSettings> = {
  settings: settingsSchema,
  async create(settings, version) {
    if (settings.kind === 'ctc') return (await import('./ctc/ctc.ts')).createCtc(settings, signatureOf(version));
    const signatures = { encoder: signatureOf(version, 'encoder'), decoder: signatureOf(version, 'decoder') };
    return (await import('./whisper/whisper.ts')).createWhisper(settings, signatures);
  },
};
