import { fileOf, literal, quoteShell } from './snippets.js';

/** The programs announce the file, put it into the bucket, and refer to it. */

const announcementOf = ({ model, object, headers }) => ({ model, name: object, contentType: headers['content-type'] });

const curl = (call) => {
  const { url, uploads, isLocked } = call;
  const file = quoteShell(fileOf(call));
  const head = `-H 'content-type: application/json'${isLocked ? ' -H "authorization: Bearer $KEY"' : ''}`;
  const fields = JSON.stringify(announcementOf(call)).slice(0, -1);
  return `upload=$(curl -fsS ${quoteShell(uploads)} ${head} \\
  -d ${quoteShell(`${fields},"sizeBytes":`)}"$(wc -c < ${file})"'}')
curl -fsS -T ${file} -H ${quoteShell(`content-type: ${call.headers['content-type']}`)} "$(echo "$upload" | jq -r .url)"
curl -fsS ${quoteShell(url)} ${head} \\
  -d "$(echo "$upload" | jq -c '{inputs: {s3}}')"`;
};

const python = (call) => {
  const { url, uploads, isLocked } = call;
  const { model, name, contentType } = announcementOf(call);
  const head = isLocked ? '{"authorization": "Bearer " + os.environ["KEY"]}' : '{}';
  return `import os

import requests

path = ${literal(fileOf(call))}
headers = ${head}
upload = requests.post(
    ${literal(uploads)},
    json={
        "model": ${literal(model)},
        "name": ${literal(name)},
        "contentType": ${literal(contentType)},
        "sizeBytes": os.path.getsize(path),
    },
    headers=headers,
    timeout=30,
)
upload.raise_for_status()
place = upload.json()
with open(path, "rb") as file:
    requests.put(place["url"], data=file, headers=place["headers"], timeout=300).raise_for_status()
answer = requests.post(${literal(url)}, json={"inputs": {"s3": place["s3"]}}, headers=headers, timeout=30)
answer.raise_for_status()
print(answer.json())`;
};

const typescript = (call) => {
  const { url, uploads, isLocked } = call;
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a part of the program
  const auth = isLocked ? ', authorization: `Bearer ${process.env.KEY}`' : '';
  return `import { readFile } from 'node:fs/promises';

const checked = async (response: Response): Promise<Response> => {
  if (!response.ok) throw new Error(await response.text());
  return response;
};
const post = async (url: string, document: unknown) => {
  const headers = { 'content-type': 'application/json'${auth} };
  return (await checked(await fetch(url, { method: 'POST', headers, body: JSON.stringify(document) }))).json();
};

const body = await readFile(${literal(fileOf(call))});
const announced = { ...${JSON.stringify(announcementOf(call))}, sizeBytes: body.byteLength };
const { url, headers, s3 } = await post(${literal(uploads)}, announced);
await checked(await fetch(url, { method: 'PUT', headers, body }));
console.log(await post(${literal(url)}, { inputs: { s3 } }));`;
};

/** A request whose body exceeds a request, in several languages. */
export const UPLOAD_LANGUAGES = { curl, Python: python, TypeScript: typescript };
