import { LANGUAGES } from './snippets.js';

/** The programs make a job, and ask for it until it has ended. */

const curl = (call) => {
  const auth = call.isLocked ? ' -H "authorization: Bearer $KEY"' : '';
  return `job=$(${LANGUAGES.curl(call).replace('curl ', 'curl -fsS ')} | jq -r .urls.get) && [ "$job" ] &&
while answer=$(curl -fsS "${call.origin}$job"${auth}) && [ "$(printf %s "$answer" | jq .ended)" = null ]; do sleep 1; done &&
printf '%s\\n' "$answer"`;
};

const python = (call) => {
  const auth = call.isLocked ? ', headers={"authorization": "Bearer " + os.environ["KEY"]}' : '';
  return `import time

${LANGUAGES.Python(call).replace(/\nprint\(.*$/, '')}
job = answer.json()
while "ended" not in job:
    time.sleep(1)
    asked = requests.get(${JSON.stringify(call.origin)} + job["urls"]["get"]${auth}, timeout=30)
    asked.raise_for_status()
    job = asked.json()
print(job)`;
};

const typescript = (call) => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a part of the program
  const auth = call.isLocked ? ', { headers: { authorization: `Bearer ${process.env.KEY}` } }' : '';
  return `${LANGUAGES.TypeScript(call).replace(/\nconsole\.log\(.*$/, '')}
let job = await response.json();
while (job.ended === undefined) {
  await new Promise((wake) => setTimeout(wake, 1_000));
  const asked = await fetch(${JSON.stringify(call.origin)} + job.urls.get${auth});
  if (!asked.ok) throw new Error(await asked.text());
  job = await asked.json();
}
console.log(JSON.stringify(job, undefined, 2));`;
};

/** A request that becomes a job, in several languages. */
export const JOB_LANGUAGES = { curl, Python: python, TypeScript: typescript };
