import type { Series, SeriesOfTime } from '../types';
import { count } from '../words';
import { Axis, height, nice, stack } from './chart';

const sum = (list: number[]): number => list.reduce((a, b) => a + b, 0);

const totals = (s: Series): number[] => s.waiting.map((_, i) => stack.reduce((n, k) => n + s[k][i]!, 0));

/** What statuses are told apart as, from the best to the worst. */
const kinds: [string, string, (status: number) => boolean][] = [['ok', '2xx', (s) => s >= 200 && s < 300], ['else', '1xx, 3xx', (s) => s > 0 && s < 400], ['theirs', '4xx', (s) => s >= 400 && s < 500], ['broken', '5xx', (s) => s >= 500], ['none', 'no answer', () => true]];

/** Answers counts deliveries by the status of the last answer. */
export function Answers({ of }: { of: SeriesOfTime }) {
	const groups = kinds.map(([key, name]) => ({ key, name, n: new Array<number>(of.steps).fill(0) }));
	for (const s of of.series) {
		const at = kinds.findIndex(([, , has]) => has(Number(s.key)));
		totals(s).forEach((n, i) => (groups[at]!.n[i]! += n));
	}
	const shown = groups.filter((g) => sum(g.n) > 0);
	const most = nice(Math.max(1, ...Array.from({ length: of.steps }, (_, i) => sum(groups.map((g) => g.n[i]!)))));
	return (
		<figure class="chart">
			<figcaption><b>Answers</b> <span class="dim">{shown.map((g) => <span class="key" key={g.key}><span class={`swatch a-${g.key}`} aria-hidden="true" /> {g.name} {count(sum(g.n))}</span>)}</span></figcaption>
			<div class="plot">
				<span class="most">{count(most)}</span>
				<svg viewBox={`0 0 ${of.steps} ${height}`} preserveAspectRatio="none" role="img" aria-label={`Answers: ${shown.map((g) => `${g.name} ${count(sum(g.n))}`).join(', ') || 'none'}`}>
					<line class="grid" x1="0" x2={of.steps} y1="0.5" y2="0.5" /><line class="grid" x1="0" x2={of.steps} y1={height / 2} y2={height / 2} />
					{Array.from({ length: of.steps }, (_, i) => <Stack key={i} i={i} most={most} parts={shown.map((g) => [g.key, g.n[i]!])} />)}
				</svg>
				<Axis of={of} />
			</div>
		</figure>
	);
}

function Stack({ i, most, parts }: { i: number; most: number; parts: [string, number][] }) {
	let y = height;
	return <>{parts.map(([key, n]) => {
		const h = (height * n) / most;
		y -= h;
		return h > 0 && <rect key={key} class={`a-${key}`} x={i + 0.1} width="0.8" y={y} height={h} />;
	})}</>;
}

/** How many types are named. */
const named = 6;

/** Busiest are the types of which most is delivered; each leads to its deliveries. */
export function Busiest({ of, href }: { of: SeriesOfTime; href: (type: string) => string }) {
	const all = of.series.map((s) => ({ type: s.key, n: sum(totals(s)) })).filter((t) => t.n > 0).sort((a, b) => b.n - a.n);
	const most = all[0]?.n ?? 1;
	const left = all.length - named + of.others;
	return (
		<figure class="chart busiest">
			<figcaption><b>Types</b> <span class="dim">{left > 0 && `and ${count(left)} more`}</span></figcaption>
			{all.length === 0 && <p class="dim">nothing</p>}
			<ul>{all.slice(0, named).map((t) => (
				<li key={t.type}>
					<a class="clip" href={href(t.type)} title={t.type}>{t.type}</a><span class="n">{count(t.n)}</span>
					<svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true"><rect width={(100 * t.n) / most} height="1" /></svg>
				</li>
			))}</ul>
		</figure>
	);
}
