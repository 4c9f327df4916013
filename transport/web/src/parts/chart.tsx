import { useRef, useState } from 'preact/hooks';
import type { Series, SeriesOfTime } from '../types';
import { count, dayHour, hour, seconds } from '../words';

/** The states of deliveries, as they are stacked. */
export const stack = ['delivered', 'skipped', 'waiting', 'retrying', 'dead_lettered'] as const;

export const height = 100;

/** stepOf is how long a step is, in ms. */
export const stepOf = (t: SeriesOfTime): number => seconds(t.step) * 1000;

/** Bars counts deliveries over time, by state; a span dragged over, or chosen by keys, is picked. */
export function Bars({ of, title, pick, small }: { of: SeriesOfTime; title: string; pick?: (from: Date, to: Date) => void; small?: boolean }) {
	const s = of.series[0];
	const [span, choose] = useState<[number, number] | null>(null);
	const [over, hover] = useState<number | null>(null);
	const ref = useRef<SVGSVGElement>(null);
	const down = useRef<number | null>(null);
	const sums = totals(s, of.steps);
	const most = nice(Math.max(1, ...sums));
	const at = (e: PointerEvent) => {
		const box = ref.current!.getBoundingClientRect();
		return Math.min(of.steps - 1, Math.max(0, Math.floor(((e.clientX - box.left) / box.width) * of.steps)));
	};
	const begin = Date.parse(of.from);
	const time = (step: number) => new Date(Math.min(begin + step * stepOf(of), Date.parse(of.to) + 1000));
	const done = (a: number, b: number) => pick?.(time(Math.min(a, b)), time(Math.max(a, b) + 1));
	const key = (e: KeyboardEvent) => {
		if (e.key === 'Escape') return choose(null);
		if (e.key === 'Enter' && span) return done(...span);
		const by = e.key === 'ArrowLeft' ? -1 : e.key === 'ArrowRight' ? 1 : 0;
		if (!by) return;
		e.preventDefault();
		const [from, to] = span ?? [of.steps, of.steps];
		const next = Math.min(of.steps - 1, Math.max(0, to + by));
		choose(e.shiftKey && span ? [from, next] : [next, next]);
	};
	const shown = over ?? span?.[1] ?? null;
	const says = span ? `${label(time(Math.min(...span)), of)} to ${label(time(Math.max(...span) + 1), of)}: ${count(sums.slice(Math.min(...span), Math.max(...span) + 1).reduce((a, b) => a + b, 0))} deliveries` : '';
	return (
		<figure class={small ? 'chart small' : 'chart'}>
			<figcaption><b>{title}</b> <span class="dim">{shown === null ? <Legend s={s} /> : <Point of={of} s={s} step={shown} />}</span></figcaption>
			<div class="plot" tabIndex={pick ? 0 : undefined} role={pick ? 'group' : undefined} onKeyDown={pick ? key : undefined} onBlur={() => choose(null)}
				aria-label={pick ? `${title} over time. Arrows choose a time, Shift and arrows a span, Enter shows its deliveries.` : undefined}>
				<span class="most">{count(most)}</span>
				<svg ref={ref} viewBox={`0 0 ${of.steps} ${height}`} preserveAspectRatio="none" role="img" aria-label={summary(s, title)}
					onPointerMove={(e) => { hover(at(e)); if (down.current !== null) choose([down.current, at(e)]); }} onPointerLeave={() => hover(null)}
					onPointerDown={pick && ((e) => { down.current = at(e); choose([at(e), at(e)]); ref.current!.setPointerCapture(e.pointerId); e.preventDefault(); })}
					onPointerUp={pick && ((e) => { const from = down.current; down.current = null; if (from !== null) done(from, at(e)); choose(null); })}
					onPointerCancel={() => { down.current = null; choose(null); }}>
					<line class="grid" x1="0" x2={of.steps} y1="0.5" y2="0.5" /><line class="grid" x1="0" x2={of.steps} y1={height / 2} y2={height / 2} />
					{s && sums.map((sum, i) => sum > 0 && <Bar key={i} s={s} i={i} most={most} />)}
					{span && <rect class="span" x={Math.min(...span)} width={Math.abs(span[1] - span[0]) + 1} y="0" height={height} />}
				</svg>
				<Axis of={of} />
			</div>
			{pick && <span class="unseen" role="status">{says}</span>}
		</figure>
	);
}

function Bar({ s, i, most }: { s: Series; i: number; most: number }) {
	let y = height;
	return <g>{stack.map((k) => {
		const h = (height * s[k][i]!) / most;
		y -= h;
		return h > 0 && <rect key={k} class={k} x={i + 0.1} width="0.8" y={y} height={h} />;
	})}</g>;
}

function Legend({ s }: { s?: Series }) {
	return <>{stack.filter((k) => s?.[k].some((n) => n > 0)).map((k) => <span class="key" key={k}><span class={`swatch ${k}`} aria-hidden="true" /> {k.replace('_', '-')} {count(sum(s![k]))}</span>)}</>;
}

function Point({ of, s, step }: { of: SeriesOfTime; s?: Series; step: number }) {
	const from = Date.parse(of.from) + step * stepOf(of);
	return <>{label(new Date(from), of)} {stack.filter((k) => s?.[k][step]).map((k) => <span class="key" key={k}><span class={`swatch ${k}`} aria-hidden="true" /> {k.replace('_', '-')} {count(s![k][step])}</span>)}{!stack.some((k) => s?.[k][step]) && 'nothing'}</>;
}

/** Latency draws how long the delivered took: half of them, and 99 of 100. */
export function Latency({ of }: { of: SeriesOfTime }) {
	const s = of.series[0];
	const most = nice(Math.max(1, ...(s?.p99_ms ?? [])));
	const points = (ms: number[]) => ms.map((v, i) => (v > 0 ? `${i + 0.5},${(height - (height * v) / most).toFixed(2)}` : '')).filter(Boolean).join(' ');
	const last = (ms: number[] = []) => ms.findLast((v) => v > 0) ?? 0;
	return (
		<figure class="chart">
			<figcaption><b>Time to delivery</b> <span class="dim">{!last(s?.p99_ms) ? 'nothing was delivered' : <><span class="key"><span class="swatch p50" aria-hidden="true" /> half within {took(last(s?.p50_ms))}</span> <span class="key"><span class="swatch p99" aria-hidden="true" /> 99 of 100 within {took(last(s?.p99_ms))}</span></>}</span></figcaption>
			<div class="plot">
				<span class="most">{took(most)}</span>
				<svg viewBox={`0 0 ${of.steps} ${height}`} preserveAspectRatio="none" role="img" aria-label={`Time to delivery: of the last, half within ${took(last(s?.p50_ms))}, 99 of 100 within ${took(last(s?.p99_ms))}`}>
					<line class="grid" x1="0" x2={of.steps} y1="0.5" y2="0.5" /><line class="grid" x1="0" x2={of.steps} y1={height / 2} y2={height / 2} />
					{s && (['p99', 'p50'] as const).map((k) => <polyline key={k} class={k} points={points(s[`${k}_ms`])} />)}
					{s && (['p99', 'p50'] as const).map((k) => s[`${k}_ms`].map((v, i) => v > 0 && !s[`${k}_ms`][i - 1] && !s[`${k}_ms`][i + 1] && <rect key={k + i} class={k} x={i + 0.2} width="0.6" y={height - (height * v) / most - 1} height="2" />))}
				</svg>
				<Axis of={of} />
			</div>
		</figure>
	);
}

/** Spark is a day in the width of a word. */
export function Spark({ s, steps }: { s?: Series; steps: number }) {
	const sums = totals(s, steps);
	const most = Math.max(1, ...sums);
	return (
		<svg class="spark" viewBox={`0 0 ${steps} ${height}`} preserveAspectRatio="none" role="img" aria-label={summary(s, 'The last day')}>
			{s && sums.map((n, i) => n > 0 && <Bar key={i} s={s} i={i} most={most} />)}
			{sums.every((n) => n === 0) && <line class="grid" x1="0" x2={steps} y1={height - 2} y2={height - 2} />}
		</svg>
	);
}

export function Axis({ of }: { of: SeriesOfTime }) {
	const begin = Date.parse(of.from), end = Date.parse(of.to);
	return <div class="axis" aria-hidden="true"><span>{label(new Date(begin), of)}</span><span>{label(new Date((begin + end) / 2), of)}</span><span>{label(new Date(end), of)}</span></div>;
}

const sum = (list: number[]): number => list.reduce((a, b) => a + b, 0);

function totals(s: Series | undefined, steps: number): number[] {
	return Array.from({ length: steps }, (_, i) => (s ? stack.reduce((n, k) => n + s[k][i]!, 0) : 0));
}

function summary(s: Series | undefined, title: string): string {
	return `${title}: ${s && stack.filter((k) => sum(s[k]) > 0).map((k) => `${count(sum(s[k]))} ${k.replace('_', '-')}`).join(', ') || 'nothing'}`;
}

/** label is a time, with its day where the chart is longer than one. */
function label(t: Date, of: SeriesOfTime): string {
	const long = Date.parse(of.to) - Date.parse(of.from) > 86400e3 * 1.1;
	return long ? dayHour(t) : hour(t);
}

/** nice is the next round number. */
export function nice(n: number): number {
	const power = 10 ** Math.floor(Math.log10(n));
	return power * ([1, 2, 5].find((k) => k * power >= n) ?? 10);
}

/** took is a time in ms as people read it. */
export function took(ms: number): string {
	return ms < 1000 ? `${Math.round(ms)} ms` : ms < 60_000 ? `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s` : ms < 3600_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3600_000)} h`;
}
