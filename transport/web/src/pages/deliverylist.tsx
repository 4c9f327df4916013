import { useLocation } from 'preact-iso';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { call, Fault, List, query } from '../api';
import { nameOf } from '../names';
import { Empty, More, Rows, State, useQuery, When, Wrong } from '../parts/list';
import { Act } from '../parts/form';
import { PickWebhook } from '../parts/pick';
import { Part, useStream } from '../stream';
import { missing, operator } from '../session';
import { ui } from '../settings';
import type { Delivery } from '../types';
import { clock, count, plural } from '../words';
import { Activity } from './activity';
import { DeliveryDrawer } from './delivery';

const states = ['waiting', 'retrying', 'delivered', 'dead_lettered', 'skipped', 'failed', 'throttled', 'gone', 'refused'];

interface Counted extends List<Delivery> {
	total?: number;
	total_more?: boolean;
}

/** How many rows a live list has, and how many it takes in at once: nobody reads faster. */
const most = 100;
const atOnce = 20;

interface Feed {
	ask: string;
	rows: Delivery[];
	next?: string;
	/** How many there are, where a span of time is chosen; there are more than that. */
	total?: number;
	beyond?: boolean;
	/** New ones that are held back while the list stands still, and how many more came. */
	held: Delivery[];
	more: number;
	/** Older ones fell off the end, to make room. */
	cut: boolean;
	/** Deliveries that came since the stream began and were counted, not shown. */
	uncounted: number;
}

/** useFeed is the log by a filter, with new ones as they come, unless it is to stand still. */
function useFeed(filter: Record<string, string | undefined>, still: () => boolean) {
	const live = !filter.from && !filter.to;
	const ask = '/v1/deliveries' + query({ ...filter, limit: most, total: live ? undefined : 'true' });
	const [feed, set] = useState<Feed>({ ask: '', rows: [], held: [], more: 0, cut: false, uncounted: 0 });
	const [fault, fail] = useState<Fault | null>(null);
	const rate = useRate();
	const came = useRef(0);
	const load = (): Promise<void> => {
		const before = came.current;
		return call<Counted>('GET', ask).then((l) => {
			fail(null);
			// What came since the list was asked for may be in it or not: the list is asked again, at once or when it is quiet.
			const missed = came.current - before;
			set({ ask, rows: l.items, next: l.next_cursor, total: l.total, beyond: l.total_more, held: [], more: 0, cut: false, uncounted: missed > atOnce ? missed : 0 });
			if (missed > 0 && missed <= atOnce) void load();
		}, fail);
	};
	const refresh = () => {
		if (still() && feed.ask === ask) call<List<Delivery>>('GET', ask).then((l) => take({ items: l.items, more: 0 }), fail);
		else void load();
	};
	const take = (part: Part<Delivery>) => set((old) => (old.ask === ask ? taken(old, part, still()) : old));
	useEffect(() => void (live || load()), [ask]);
	useStream(live ? '/v1/stream' + query({ ...filter, what: 'deliveries' }) : '', {
		open: refresh,
		deliveries: (part: Part<Delivery>) => {
			rate.add(part.items.length + part.more);
			came.current += part.items.length + part.more;
			// One that no longer fits the filter is not told of: where it may be among those shown, the list is asked again.
			take(part);
		},
	});
	// Once it is quiet again, what was counted and not shown is asked for; so is what may have left a filter by state.
	useEffect(() => {
		const t = setInterval(() => !document.hidden && !still() && live && (rate.quiet() && (feed.uncounted > 0 || feed.cut) || filter.status) && void load(), 3000);
		return () => clearInterval(t);
	}, [ask, feed.uncounted > 0 || feed.cut, filter.status]);
	// What fell off the end has no cursor any more: the list is asked anew first.
	const older = async () => {
		const first = feed.next ? null : await call<List<Delivery>>('GET', ask);
		const next = first ? first.next_cursor : feed.next;
		const l: List<Delivery> = next ? await call<List<Delivery>>('GET', ask + '&cursor=' + encodeURIComponent(next)) : { items: [] };
		set((old) => ({ ...old, rows: [...(first?.items ?? old.rows), ...l.items], next: l.next_cursor, cut: false }));
	};
	return { feed: feed.ask === ask ? feed : null, fault, load, older, rate: rate.shown };
}

function taken(old: Feed, part: Part<Delivery>, still: boolean): Feed {
	const at = new Map(old.rows.map((d, i) => [d.id, i]));
	const rows = old.rows.slice();
	const fresh: Delivery[] = [];
	for (const d of part.items) {
		const i = at.get(d.id);
		if (i === undefined) fresh.unshift(d);
		else rows[i] = d;
	}
	fresh.sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));
	if (still) {
		const held = new Map([...fresh, ...old.held].map((d) => [d.id, d]));
		return { ...old, rows, held: [...held.values()].slice(0, most), more: old.more + part.more + Math.max(0, held.size - most) };
	}
	const shown = fresh.slice(0, atOnce);
	const ids = new Set(shown.map((d) => d.id));
	const all = [...shown, ...old.held.filter((d) => !ids.has(d.id)), ...rows];
	const cut = shown.length > 0 && all.length > most;
	return { ...old, rows: cut ? all.slice(0, most) : all, held: [], more: 0, cut: old.cut || cut, next: cut ? undefined : old.next,
		uncounted: old.uncounted + part.more + fresh.length - shown.length };
}

/** useRate tells how many came in the last seconds. */
function useRate() {
	const came = useRef<[number, number][]>([]);
	const [shown, show] = useState(0);
	const within = (ms: number) => came.current.filter(([t]) => Date.now() - t < ms).reduce((n, [, k]) => n + k, 0);
	useEffect(() => {
		const t = setInterval(() => {
			came.current = came.current.filter(([t]) => Date.now() - t < 5000);
			show(Math.round(within(5000) / 5));
		}, 1000);
		return () => clearInterval(t);
	}, []);
	return { shown, add: (n: number) => void came.current.push([Date.now(), n]), quiet: () => within(2000) === 0 };
}

/** DeliveryList is the log by a filter, new ones as they come; it stands still while something is open, while it is scrolled, and when it is told to. */
export function DeliveryList({ fixed }: { fixed: { endpoint?: string } }) {
	const { path } = useLocation();
	const [q, set] = useQuery();
	const [paused, pause] = useState(false);
	const top = useRef<HTMLDivElement>(null);
	const [chosen, choose] = useState<Set<string>>(new Set());
	const still = () => paused || !!q.open || chosen.size > 0 || (top.current?.getBoundingClientRect().top ?? 0) < 0;
	const flip = (id: string) => choose((old) => new Set(old.has(id) ? [...old].filter((x) => x !== id) : [...old, id]));
	const filter = { endpoint: fixed.endpoint ?? q.endpoint, event: q.event, type: q.type, status: q.status, from: q.from, to: q.to };
	const { feed, fault, load, older, rate } = useFeed(filter, still);
	const rows = feed?.rows ?? [];
	const fresh = (feed?.held.length ?? 0) + (feed?.more ?? 0);
	const filtered = Object.entries(filter).filter(([k, v]) => v && k !== 'endpoint').map(([k, v]) => `${k} ${v}`);
	const live = !q.from && !q.to;
	const whole = !!fixed.endpoint && !q.open;
	// What comes to the list changes nothing of the chart, which asks for itself.
	const activity = useMemo(() => <Activity filter={filter} whole={whole} />, [...Object.values(filter), whole]);
	const show = () => {
		pause(false);
		set({ open: '' });
		scrollTo(0, 0);
		void load();
	};
	return (
		<div class={q.open ? 'withdrawer' : ''}>
			{activity}
			<div class="filters" ref={top}>
				<select aria-label="Status" value={q.status ?? ''} onChange={(e) => set({ status: e.currentTarget.value })}>
					<option value="">Any status</option>{states.map((s) => <option key={s} value={s}>{s.replace('_', '-')}</option>)}
				</select>
				<input data-filter type="search" aria-label="Event type or pattern" placeholder="Type, such as access.>" value={q.type ?? ''} onChange={(e) => set({ type: e.currentTarget.value })} />
				<input type="search" aria-label="Event id" placeholder="Event id" value={q.event ?? ''} onChange={(e) => set({ event: e.currentTarget.value })} />
				{!fixed.endpoint && <PickWebhook value={q.endpoint ?? ''} pick={(id) => set({ endpoint: id })} />}
				{live ? <button data-key="p" aria-pressed={paused} onClick={() => (paused ? show() : pause(true))}>{paused ? 'Go on' : 'Pause'}</button> : (
					<span class="range">{[q.from && `from ${clock(q.from)}`, q.to && `to ${clock(q.to)}`].filter(Boolean).join(' ')} <button class="quiet" aria-label="Any time" onClick={() => set({ from: '', to: '' })}>✕</button>{feed?.total !== undefined && <> · {count(feed.total)}{feed.beyond ? '+' : ''} {feed.total === 1 ? 'delivery' : 'deliveries'}</>}</span>
				)}
				<span class="grow" />
				<a class="button" href={ui('/replays' + query({ new: 1, endpoint: filter.endpoint, type: q.type, status: q.status, from: q.from, to: q.to }))}>Replay these…</a>
				{live && <Pulse rate={rate} paused={paused} />}
				{fresh > 0 && <button class="fresh" onClick={show}>{count(fresh)} new</button>}
				<Announce text={fresh > 0 ? `${count(fresh)} new deliveries` : ''} />
			</div>
			{fault && !feed && <Wrong fault={fault} again={() => void load()} />}
			{feed && rows.length === 0 && (
				<Empty title={filtered.length ? 'Nothing fits the filter' : 'No deliveries yet'}>
					{filtered.length ? <p>{filtered.join(', ')} leaves nothing. <a href={path}>Clear</a></p> : <p>Publish an event that a webhook wants, and its delivery is shown here.</p>}
				</Empty>
			)}
			{!!feed?.uncounted && <p class="sampled">Too fast to read: {count(feed.uncounted)} more {feed.uncounted === 1 ? 'change was' : 'changes were'} counted and not shown. The list is whole again when it is quiet.</p>}
			{chosen.size > 0 && <Chosen ids={[...chosen]} clear={() => choose(new Set())} />}
			{rows.length > 0 && (
				<Rows label="Deliveries" rows={rows} id={(d) => d.id} opened={q.open} open={(d) => set({ open: d.id })} columns={[
					{ head: 'Choose', unseen: true, cell: (d) => <input type="checkbox" data-choose tabIndex={-1} aria-label={`Choose ${d.event.type} of ${clock(d.created_at)}`} checked={chosen.has(d.id)} onChange={() => flip(d.id)} /> },
					{ head: 'State', cell: (d) => <State is={d.state} /> },
					{ head: 'Type', grow: true, cell: (d) => <span class="clip">{d.event.type}</span> },
					...(fixed.endpoint ? [] : [{ head: 'Webhook', cell: (d: Delivery) => (d.endpoint ? <a href={ui('/webhooks/' + d.endpoint)}>{nameOf(d.endpoint)}</a> : '–') }]),
					...(operator.value ? [{ head: 'Customer', spare: true, cell: (d: Delivery) => d.customer }] : []),
					{ head: 'Status', number: true, cell: (d) => d.status || <span class="dim">–</span> },
					{ head: 'Attempts', number: true, spare: true, cell: (d) => d.attempt_count },
					{ head: 'When', cell: (d) => <When at={d.created_at} /> },
				]} />
			)}
			<More more={feed?.next || feed?.cut ? () => { pause(live); void older(); } : undefined} />
			{q.open && <DeliveryDrawer key={q.open} id={q.open} close={() => set({ open: '' })} />}
		</div>
	);
}

/** Chosen replays the rows that were chosen, one by one. */
function Chosen({ ids, clear }: { ids: string[]; clear: () => void }) {
	const [busy, wait] = useState(false);
	const [fault, fail] = useState<Fault | null>(null);
	const replay = async () => {
		wait(true);
		try {
			for (const id of ids) await call('POST', `/v1/deliveries/${encodeURIComponent(id)}/replay`);
			clear();
		} catch (e) {
			fail(e as Fault);
		}
		wait(false);
	};
	return (
		<div class="note chosen" role="status">
			<b>{plural(ids.length, 'delivery', 'deliveries')} chosen</b>
			<Act class="primary" busy={busy} missing={missing('replay-deliveries')} data-key="r" onClick={() => void replay()}>{busy ? 'Replaying…' : 'Replay'}</Act>
			<button onClick={clear}>Clear</button>
			{fault && <span class="bad">{fault.message}</span>}
		</div>
	);
}

/** Pulse shows that the list is live, and how fast it goes. */
function Pulse({ rate, paused }: { rate: number; paused: boolean }) {
	return <span class={paused ? 'pulse off' : 'pulse'} title={paused ? 'Stands still' : 'New deliveries are shown as they come'}>{paused ? 'paused' : 'live'}{rate > 0 && ` · ${count(rate)}/s`}</span>;
}

/** Announce tells those who listen, at most each 5 seconds. */
function Announce({ text }: { text: string }) {
	const [said, say] = useState('');
	const last = useRef(0);
	useEffect(() => {
		const t = setTimeout(() => {
			last.current = Date.now();
			say(text);
		}, Math.max(0, last.current + 5000 - Date.now()));
		return () => clearTimeout(t);
	}, [text === '' || text === said ? text : Math.floor(Date.now() / 5000)]);
	return <span class="unseen" role="status" aria-live="polite">{said}</span>;
}
