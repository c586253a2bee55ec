import { binNames, round } from '../drift/bin-names.ts';
import { totalOf } from '../drift/divergence.ts';
import type { Bins } from '../drift/histogram.ts';
import type { DriftNow } from '../drift/judge-now.ts';
import type { DayAccuracy } from '../feedback/accuracy.ts';
import type { Accuracy } from '../feedback/arm-tally.ts';
import { binStart, type Histogram } from '../histogram.ts';
import { bars, escapeHtml, intervals, type Pair, pairedBars, table } from './charts.ts';
import type { BrokenModel, MonitoredModel } from './read-model.ts';

/** Features whose histograms are shown: those that drift most. */
const MOST_FEATURES = 12;
const MOST_CHANGES = 20;
const MOST_LABELS = 20;

const STYLE = `:root{color-scheme:light dark;--ink:#1d2733;--paper:#fff;--usual:#9aa7b5;--now:#0b63ce;--line:#ccd3da;--alarm:#b3261e}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ed;--paper:#14181d;--usual:#6b7885;--now:#6cb0ff;--line:#3a434d;--alarm:#ff8a80}}
body{margin:0 auto;padding:1rem;max-width:72rem;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
a{color:var(--now)}nav a{margin-right:1rem}section{border-top:1px solid var(--line);margin-top:1.5rem}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(19rem,1fr));gap:1rem}figure{margin:0;min-width:0}
figure td{overflow-wrap:anywhere}.wide{overflow-x:auto}figcaption,caption{font-weight:600;text-align:left}
svg{width:100%;height:auto;border-bottom:1px solid var(--line)}.usual{fill:var(--usual)}.now,circle{fill:var(--now)}
text{fill:var(--ink);font-size:11px}line{stroke:var(--now);stroke-width:2}
table{border-collapse:collapse;margin:.5rem 0}td,th{padding:.15rem .7rem .15rem 0;text-align:left}.alarm{color:var(--alarm);font-weight:600}
:focus-visible{outline:2px solid var(--now);outline-offset:2px}summary{cursor:pointer}`;

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const pairsOf = (bins: Bins, usual: readonly number[], now: readonly number[]): Pair[] => {
  const [before, after] = [Math.max(1, totalOf(usual)), Math.max(1, totalOf(now))];
  return binNames(bins).map((name, bin) => ({ name, usual: (usual[bin] ?? 0) / before, now: (now[bin] ?? 0) / after }));
};

const renderDrift = ({ baseline, counts, judgement, samples, hours, damaged }: DriftNow): string => {
  const broken = damaged
    .map(({ key }) => `<p class="alarm">${escapeHtml(key)} is damaged, and what cannot be read is left out</p>`)
    .join('');
  const head = `<p>${samples} captured answers in ${hours} hours`;
  if (baseline === undefined || judgement === undefined) return `${head}. There is no baseline.</p>${broken}`;
  const features = Object.entries(judgement.features).toSorted(([, one], [, other]) => other.drift - one.drift);
  const rows = features.map(([name, { verdict, aspect, drift, index, bound }]) => [
    ...[name, verdict, aspect, drift.toFixed(3), index.toFixed(3), bound.toFixed(3)],
  ]);
  const charts = features.slice(0, MOST_FEATURES).flatMap(([name, { verdict }]) => {
    const [feature, now] = [baseline.features[name], counts[name]];
    if (feature === undefined || now === undefined) return [];
    return [pairedBars(`${name}: ${verdict}`, pairsOf(feature.bins, feature.counts.bins, now.bins))];
  });
  const isAlarm = judgement.verdict === 'drift' || judgement.verdict === 'warning';
  return (
    `${head}, judged against ${baseline.samples}: <strong${isAlarm ? ' class="alarm"' : ''}>${judgement.verdict}</strong></p>${broken}` +
    `<div class="charts">${charts.join('')}</div>` +
    table('Features', [['feature', 'verdict', 'aspect', 'drift', 'index', 'bound'], ...rows])
  );
};

const renderConfusion = (day: string, { version, arm, confusion = {} }: Accuracy): string => {
  const predicted = [...new Set(Object.values(confusion).flatMap(Object.keys))].sort();
  const rows = Object.entries(confusion).map(([truth, counts]) => [
    truth,
    ...predicted.map((label) => String(counts[label] ?? 0)),
  ]);
  return rows.length === 0
    ? ''
    : table(`Right labels by rows, answers by columns: version ${version}, ${arm}, ${day}`, [
        ['right label', ...predicted],
        ...rows,
      ]);
};

const renderAccuracy = (days: readonly DayAccuracy[]): string => {
  const all = days.flatMap(({ day, versions }) =>
    versions.filter(({ labelled }) => labelled > 0).map((each) => ({ day, each })),
  );
  if (all.length === 0) return '<p>There is no feedback.</p>';
  const points = all.flatMap(({ day, each: { version, arm, accuracy } }) =>
    accuracy ? [{ name: `${day}, version ${version}, ${arm}`, ...accuracy }] : [],
  );
  const rows = all.map(({ day, each: { version, arm, labelled, served, coverage, regression, calibration } }) => [
    ...[day, String(version), arm, `${labelled} of ${served} (${percent(coverage)})`],
    regression ? `${round(regression.mae)}, ${round(regression.rmse)}` : '',
    calibration ? calibration.error.toFixed(3) : '',
  ]);
  return (
    `<div class="charts">${points.length > 0 ? intervals('Accuracy with its 95 % interval', points) : ''}</div>` +
    table('Feedback', [['day', 'version', 'arm', 'labelled', 'MAE, RMSE', 'ECE'], ...rows]) +
    all.map(({ day, each }) => renderConfusion(day, each)).join('')
  );
};

const latencyBars = (latencyMs: Histogram): [string, number][] =>
  Object.entries(latencyMs)
    .map(([bin, times]) => [Number(bin), times] as const)
    .sort(([one], [other]) => one - other)
    .map(([bin, times]) => [`from ${round(binStart(bin))} ms`, times]);

/** The most frequent labels; the others as one. */
const labelBars = (labels: DriftNow['labels']): [string, number][] => {
  const sorted = Object.entries(labels).toSorted(([, one], [, other]) => other - one);
  const others = sorted.slice(MOST_LABELS).reduce((sum, [, times]) => sum + times, 0);
  return [...sorted.slice(0, MOST_LABELS), ...(others > 0 ? [['others', others] satisfies [string, number]] : [])];
};

const renderBroken = ({ name, problem }: BrokenModel): string =>
  `<section id="${escapeHtml(name)}"><h2>${escapeHtml(name)}</h2><p class="alarm">${escapeHtml(problem)}</p></section>`;

const renderModel = ({ name, routing, figures, traffic, drift, accuracy }: MonitoredModel): string => {
  const latencies = [...figures.versions].map(([version, { latencyMs }]) =>
    bars(`Latency of version ${version}`, latencyBars(latencyMs)),
  );
  const history = routing.history
    .slice(-MOST_CHANGES)
    .reverse()
    .map(({ at, by, action, to, note }) => [
      ...[at.slice(0, 16).replace('T', ' '), by, action, String(to.stable)],
      to.canary ? `${to.canary.version} at ${percent(to.canary.weight)}` : '',
      note,
    ]);
  return `<section id="${escapeHtml(name)}"><h2>${escapeHtml(name)}</h2>
<div class="charts">${bars('Requests by hour (UTC)', traffic)}${latencies.join('')}${bars('Labels', labelBars(drift.labels))}</div>
<h3>Drift</h3>${renderDrift(drift)}
<h3>Accuracy</h3>${renderAccuracy(accuracy)}
<h3>Roll-outs</h3>${table('Newest first', [['time (UTC)', 'by', 'action', 'stable', 'canary', 'note'], ...history])}</section>`;
};

/** The page of models: HTML that needs nothing else, no script, no font and no network. */
export const renderPage = (models: readonly (MonitoredModel | BrokenModel)[], nowMs: number): string => {
  const sections = models.map((model) => ('problem' in model ? renderBroken(model) : renderModel(model)));
  const links = models.map(({ name }) => `<a href="#${encodeURIComponent(name)}">${escapeHtml(name)}</a>`).join('');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Models</title>
<meta http-equiv="content-security-policy" content="default-src 'none'; style-src 'unsafe-inline'"><style>${STYLE}</style></head>
<body><header><h1>Models</h1>
<p>At ${new Date(nowMs).toISOString().slice(0, 16).replace('T', ' ')} UTC. Grey: the baseline. Blue: the last 24 hours.</p></header>
<nav>${links}</nav><main>${sections.join('\n')}</main></body></html>
`;
};
