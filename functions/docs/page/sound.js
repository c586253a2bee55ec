/** Hertz of recordings: what speech models take. */
const RATE = 16_000;

const write = (view, at, text) => {
  for (let index = 0; index < text.length; index += 1) view.setUint8(at + index, text.charCodeAt(index));
};

/** Samples from -1 to 1 as a WAV of 16 bits. */
const toWav = (samples) => {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  write(view, 0, 'RIFF');
  view.setUint32(4, 36 + 2 * samples.length, true);
  write(view, 8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, RATE, true);
  view.setUint32(28, 2 * RATE, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  write(view, 36, 'data');
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, index) => {
    view.setInt16(44 + 2 * index, Math.round(Math.max(-1, Math.min(1, sample)) * 32_767), true);
  });
  return new File([view], 'recording.wav', { type: 'audio/wav' });
};

/** Browsers record in containers that the server does not read: the sound is decoded here. */
const decode = async (blob) => {
  const context = new OfflineAudioContext(1, 1, RATE);
  const { duration } = await context.decodeAudioData(await blob.arrayBuffer());
  const mixed = new OfflineAudioContext(1, Math.max(1, Math.ceil(duration * RATE)), RATE);
  const source = mixed.createBufferSource();
  source.buffer = await mixed.decodeAudioData(await blob.arrayBuffer());
  source.connect(mixed.destination);
  source.start();
  return toWav((await mixed.startRendering()).getChannelData(0));
};

/** Starts to record. `stop` ends it, and gives a WAV. `signal` ends it, and gives nothing. */
export const record = async (signal) => {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const release = () => {
    for (const track of stream.getTracks()) track.stop();
  };
  signal.addEventListener('abort', release);
  if (signal.aborted) release();
  const recorder = new MediaRecorder(stream);
  const chunks = [];
  recorder.ondataavailable = ({ data }) => chunks.push(data);
  const ended = new Promise((resolve) => {
    recorder.onstop = resolve; // also when the microphone is unplugged
  });
  recorder.start();
  return {
    stop: async () => {
      if (recorder.state !== 'inactive') recorder.stop();
      await ended;
      release();
      return decode(new Blob(chunks, { type: recorder.mimeType }));
    },
  };
};
