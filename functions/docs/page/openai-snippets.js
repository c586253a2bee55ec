import { quoteShell } from './snippets.js';

/** Fields that OpenAI's clients do not know. */
const OWN = ['top_k', 'min_p', 'repetition_penalty'];

const known = (request) => Object.entries(request).filter(([name]) => !OWN.includes(name));
const others = (request) => Object.fromEntries(Object.entries(request).filter(([name]) => OWN.includes(name)));

const curl = ({ url, isLocked, request }) => {
  const auth = isLocked ? ` \\\n  -H "authorization: Bearer $KEY"` : '';
  const body = quoteShell(JSON.stringify(request));
  return `curl -N ${quoteShell(url)} \\\n  -H 'content-type: application/json'${auth} \\\n  -d ${body}`;
};

/** A value as Python writes it. No field is null. */
const toPython = (value) => {
  if (Array.isArray(value)) return `[${value.map(toPython).join(', ')}]`;
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value !== 'object') return JSON.stringify(value);
  const fields = Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${toPython(each)}`);
  return `{${fields.join(', ')}}`;
};

const isChat = ({ url }) => url.endsWith('/chat/completions');
const baseOf = ({ url }) => url.replace(/\/(chat\/)?completions$/, '');

const python = (call) => {
  const { isLocked, request } = call;
  const more = others(request);
  const fields = [
    ...known(request).map(([name, value]) => `    ${name}=${toPython(value)},`),
    ...(Object.keys(more).length > 0 ? [`    extra_body=${toPython(more)},`] : []),
  ];
  const [method, text] = isChat(call) ? ['chat.completions', 'delta.content or ""'] : ['completions', 'text'];
  return `${isLocked ? 'import os\n\n' : ''}from openai import OpenAI

client = OpenAI(base_url=${JSON.stringify(baseOf(call))}, api_key=${isLocked ? 'os.environ["KEY"]' : '"none"'})
stream = client.${method}.create(
${fields.join('\n')}
)
for chunk in stream:
    for choice in chunk.choices:
        print(choice.${text}, end="", flush=True)`;
};

const typescript = (call) => {
  const { isLocked, request } = call;
  const more = others(request);
  const fields = [
    ...known(request).map(([name, value]) => `  ${name}: ${JSON.stringify(value)},`),
    ...(Object.keys(more).length > 0 ? [`  ...${JSON.stringify(more)},`] : []),
  ];
  const [method, text] = isChat(call) ? ['chat.completions', "delta.content ?? ''"] : ['completions', 'text'];
  return `import OpenAI from 'openai';

const client = new OpenAI({ baseURL: ${JSON.stringify(baseOf(call))}, apiKey: ${isLocked ? 'process.env.KEY' : "'none'"} });
const stream = await client.${method}.create({
${fields.join('\n')}
});
for await (const { choices } of stream) for (const choice of choices) process.stdout.write(choice.${text});`;
};

/** A request to OpenAI's API in several languages. */
export const OPENAI_LANGUAGES = { curl, Python: python, TypeScript: typescript };
