import { ServingError } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import type { HttpRequest } from '../message.ts';

/**
 * The fields of a form by their names: texts, and files as bytes. A name that came several times has a list.
 * @throws `INVALID_REQUEST`, `UNSUPPORTED_MEDIA_TYPE`
 */
export const readForm = async ({ headers, readBody }: HttpRequest): Promise<Readonly<Record<string, unknown>>> => {
  const contentType = headers['content-type'] ?? '';
  if (!/^multipart\/form-data\b/i.test(contentType))
    throw new ServingError(
      'UNSUPPORTED_MEDIA_TYPE',
      `content type ${show(contentType)} is no form; send multipart/form-data with the fields "file" and "model"`,
    );
  const body = new Uint8Array(Buffer.from(await readBody()));
  const form = await new Response(body, { headers: { 'content-type': contentType } }).formData().catch((cause) => {
    throw new ServingError('INVALID_REQUEST', 'the body is no whole form, as its content type says', { cause });
  });
  const fields = new Map<string, unknown[]>();
  for (const [name, value] of form)
    fields.set(name, [
      ...(fields.get(name) ?? []),
      typeof value === 'string' ? value : new Uint8Array(await value.arrayBuffer()),
    ]);
  return Object.fromEntries(
    [...fields].map(([name, values]): [string, unknown] => [name, values.length === 1 ? values[0] : values]),
  );
};
