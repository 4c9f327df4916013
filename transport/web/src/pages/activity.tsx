import { useLocation } from 'preact-iso';
import { useRef } from 'preact/hooks';
import { query } from '../api';
import { useLoad } from '../load';
import { Bars, Latency } from '../parts/chart';
import { Answers, Busiest } from '../parts/split';
import { useQuery } from '../parts/list';
import { ui } from '../settings';
import type { SeriesOfTime } from '../types';

const ranges: [string, string, number][] = [['1h', 'hour', 3600e3], ['24h', 'day', 86400e3], ['7d', '7 days', 7 * 86400e3]];

/** from is when a range of the address began, to the minute: so that the same address is asked for the same. */
const from = (ms: number): string => new Date(Math.floor((Date.now() - ms) / 60e3) * 60e3).toISOString();

interface Filter {
	endpoint?: string;
	type?: string;
	status?: string;
	from?: string;
	to?: string;
}

/** Activity counts deliveries over time; what is dragged over becomes the filter of a list. */
export function Activity({ filter, whole, split }: { filter: Filter; whole?: boolean; split?: boolean }) {
	const { path, route } = useLocation();
	const [q, set] = useQuery();
	const range = ranges.find(([k]) => k === q.range) ?? ranges[1]!;
	const { endpoint, type, status } = filter;
	const asked = filter.from || filter.to ? { from: filter.from, to: filter.to } : { from: from(range[2]) };
	const got = useLoad<SeriesOfTime>('/v1/series' + query({ endpoint, type, status, ...asked }), filter.to ? 0 : 15);
	const last = useLast(got.data);
	const pick = (a: Date, b: Date) => {
		const next = { endpoint: path.startsWith(ui('/webhooks/')) ? undefined : endpoint, type, status, range: undefined, from: a.toISOString(), to: b.toISOString() };
		route((path.startsWith(ui('/webhooks/')) ? path : ui('/deliveries')) + query({ ...next, tab: q.tab }));
	};
	if (!last) return <div class="chart waits" />;
	return (
		<section class="activity" aria-label="Activity">
			{!filter.from && !filter.to && <div class="ranges" role="group" aria-label="Time shown">{ranges.map(([k, name]) => <button key={k} aria-pressed={k === range[0]} onClick={() => set({ range: k === '24h' ? '' : k })}>{name}</button>)}</div>}
			<div class={whole ? 'charts' : ''}>
				<Bars of={last} title="Deliveries" pick={pick} small={!whole} />
				{whole && <Latency of={last} />}
				{split && <Split asked={asked} />}
			</div>
		</section>
	);
}

/** Split tells deliveries apart by what receivers answered, and by type. */
function Split({ asked }: { asked: { from?: string; to?: string } }) {
	const answers = useLast(useLoad<SeriesOfTime>('/v1/series' + query({ ...asked, by: 'status' }), 15).data);
	const types = useLast(useLoad<SeriesOfTime>('/v1/series' + query({ ...asked, by: 'type' }), 15).data);
	return (
		<>
			{answers ? <Answers of={answers} /> : <div class="chart waits" />}
			{types ? <Busiest of={types} href={(type) => ui('/deliveries' + query({ type }))} /> : <div class="chart waits" />}
		</>
	);
}

/** useLast keeps what was there while the next comes. */
function useLast<T>(data: T | undefined): T | undefined {
	const last = useRef(data);
	if (data) last.current = data;
	return last.current;
}
