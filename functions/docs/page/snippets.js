import { h } from './dom.js';

export const quoteShell = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

const isFile = (body) => body instanceof File;

/** The file that holds a body, or that a person may save it as. */
export const fileOf = ({ body, object }) => (isFile(body) ? body.name : object);

const curl = ({ url, isLocked, headers, body }) => {
  const auth = isLocked ? ` \\\n  -H "authorization: Bearer $KEY"` : '';
  const data = isFile(body) ? `--data-binary @${quoteShell(body.name)}` : `--data-raw ${quoteShell(body)}`;
  return `curl ${quoteShell(url)} \\\n  -H ${quoteShell(`content-type: ${headers['content-type']}`)}${auth} \\\n  ${data}`;
};

/** Python's and TypeScript's strings are JSON's, apart from what JSON escapes alike. */
export const literal = (text) => JSON.stringify(text);

const python = ({ url, isLocked, headers, body }) => {
  const auth = isLocked ? `, "authorization": "Bearer " + os.environ["KEY"]` : '';
  const data = isFile(body) ? `open(${literal(body.name)}, "rb")` : `${literal(body)}.encode()`;
  return `${auth ? 'import os\n\n' : ''}import requests

answer = requests.post(
    ${literal(url)},
    headers={"content-type": ${literal(headers['content-type'])}${auth}},
    data=${data},
    timeout=30,
)
answer.raise_for_status()
print(answer.json())`;
};

const typescript = ({ url, isLocked, headers, body }) => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a part of the program
  const auth = isLocked ? ', authorization: `Bearer ${process.env.KEY}`' : '';
  const data = isFile(body) ? `await readFile(${literal(body.name)})` : literal(body);
  return `${isFile(body) ? "import { readFile } from 'node:fs/promises';\n\n" : ''}const response = await fetch(${literal(url)}, {
  method: 'POST',
  headers: { 'content-type': ${literal(headers['content-type'])}${auth} },
  body: ${data},
});
if (!response.ok) throw new Error(await response.text());
console.log(await response.json());`;
};

export const LANGUAGES = { curl, Python: python, TypeScript: typescript };

/** The language that was chosen last. */
let chosen = 'curl';

/** The request in several languages, to copy. A key is left out: it stands for a variable of the environment. */
export const snippetsOf = ({ path, base = '', access, ...request }, languages = LANGUAGES) => {
  const [url, uploads] = [`${base}${path}`, '/uploads'].map((each) => new URL(each, location.href).href);
  const call = { ...request, url, uploads, origin: new URL(url).origin, isLocked: 'authorization' in access };
  const code = h('pre', { id: 'snippet', tabIndex: 0, role: 'tabpanel', 'aria-label': 'The request as a program' });
  const status = h('span', { class: 'quiet', role: 'status' });
  const copy = h('button', { type: 'button' }, 'Copy');
  copy.onclick = async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      status.textContent = ' Copied.';
    } catch {
      status.textContent = ' The browser does not let this page copy: select the text.';
    }
  };
  const tabs = Object.entries(languages).map(([name, write]) => {
    const tab = h('button', { type: 'button', role: 'tab', 'aria-controls': 'snippet' }, name);
    tab.onclick = () => {
      chosen = name;
      select(tab, write);
    };
    return tab;
  });
  const select = (tab, write) => {
    for (const each of tabs) {
      each.ariaSelected = String(each === tab);
      each.tabIndex = each === tab ? 0 : -1;
    }
    code.textContent = write(call);
    status.textContent = '';
  };
  const list = h('div', { role: 'tablist', 'aria-label': 'Language' }, ...tabs);
  list.onkeydown = ({ key }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (step === undefined) return;
    const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
    next.focus();
    next.click();
  };
  tabs[Object.keys(languages).indexOf(chosen)].click();
  const head = h('div', { class: 'buttons' }, list, status, copy);
  return h('div', {}, h('h3', {}, 'The same request'), head, code);
};
