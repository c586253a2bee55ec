import { copyFile, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelRepository } from '../../src/repository/model-repository.ts';
import type { UploadingStore } from '../../src/repository/stores/object-store.ts';
import { pushModel } from './tried-models.ts';

/** Pushes a tiny model with random weights and a chat template of the fixtures. */
export const pushChatModel = async (
  repository: ModelRepository<UploadingStore>,
  name: string,
  template = 'chatml',
  model = 'tiny-llama',
): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'chat-model-'));
  try {
    await cp(`test/fixtures/models/${model}`, folder, { recursive: true });
    await copyFile(`test/fixtures/chat-templates/${template}.jinja`, join(folder, 'chat_template.jinja'));
    await pushModel(repository, folder, { name });
  } finally {
    await rm(folder, { recursive: true });
  }
};
