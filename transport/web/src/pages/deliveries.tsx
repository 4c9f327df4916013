import { useLocation } from 'preact-iso';
import { useEffect, useRef, useState } from 'preact/hooks';
import { call, curlOf, Fault, List, query } from '../api';
import { useLoad } from '../load';
import { Act } from '../parts/form';
import { Drawer, Empty, Facts, More, Rows, State, useQuery, When, Wrong } from '../parts/list';
import { Page } from '../parts/shell';
import { missing, operator } from '../session';
import { ui } from '../settings';
import type { Attempt, Delivery, Endpoint } from '../types';
import { because, count, pretty } from '../words';

const states = ['waiting', 'retrying', 'delivered', 'dead_lettered', 'skipped', 'failed', 'throttled', 'gone', 'refused'];

export function Deliveries() {
	const [q] = useQuery();
	const path = '/v1/deliveries' + query({ endpoint: q.endpoint, event: q.event, type: q.type, status: q.status, from: q.from, to: q.to });
	return (
		<Page title="Deliveries" code={{ command: 'postrider delivery list' + ['endpoint', 'event', 'type', 'status', 'from', 'to'].filter((k) => q[k]).map((k) => ` --${k} '${q[k]}'`).join(''), curl: curlOf('GET', path) }}>
			<DeliveryList fixed={{}} />
		</Page>
	);
}

/** DeliveryList is the log by a filter, new ones as they come; it stands still while something is open. */
export function DeliveryList({ fixed }: { fixed: { endpoint?: string } }) {
	const { path } = useLocation();
	const [q, set] = useQuery();
	const filter = { endpoint: fixed.endpoint ?? q.endpoint, event: q.event, type: q.type, status: q.status, from: q.from, to: q.to };
	const ask = '/v1/deliveries' + query({ ...filter, limit: 100 });
	const [shown, show] = useState<{ ask: string; rows: Delivery[]; next?: string } | null>(null);
	const [older, extend] = useState<Delivery[]>([]);
	const [fresh, hold] = useState<Delivery[]>([]);
	const live = useLoad<List<Delivery>>(ask, 2);
	const names = useLoad<List<Endpoint>>('/v1/endpoints?limit=500');
	const top = useRef<HTMLDivElement>(null);
	const still = !!q.open || (top.current?.getBoundingClientRect().top ?? 0) < 0;
	useEffect(() => {
		if (!live.data) return;
		if (!shown || shown.ask !== ask || !still) {
			show({ ask, rows: live.data.items, next: live.data.next_cursor });
			hold([]);
			if (shown?.ask !== ask) extend([]);
		} else {
			const there = new Map(live.data.items.map((d) => [d.id, d]));
			const known = new Set(shown.rows.map((d) => d.id));
			show({ ...shown, rows: shown.rows.map((d) => there.get(d.id) ?? d) });
			hold(live.data.items.filter((d) => !known.has(d.id)));
		}
	}, [live.data]);
	const name = (id: string) => names.data?.items.find((e) => e.id === id)?.name || id.slice(0, 8);
	const rows = shown?.ask === ask ? [...shown.rows, ...older] : [];
	const next = older.length ? undefined : shown?.next;
	const more = async () => {
		const l = await call<List<Delivery>>('GET', ask + '&cursor=' + encodeURIComponent(next!));
		extend(l.items);
	};
	const filtered = Object.entries(filter).filter(([k, v]) => v && k !== 'endpoint').map(([k, v]) => `${k} ${v}`);
	return (
		<div class={q.open ? 'withdrawer' : ''}>
			<div class="filters" ref={top}>
				<select aria-label="Status" value={q.status ?? ''} onChange={(e) => set({ status: e.currentTarget.value })}>
					<option value="">Any status</option>{states.map((s) => <option key={s} value={s}>{s.replace('_', '-')}</option>)}
				</select>
				<input data-filter type="search" aria-label="Event type or pattern" placeholder="Type, such as access.>" value={q.type ?? ''} onChange={(e) => set({ type: e.currentTarget.value })} />
				<input type="search" aria-label="Event id" placeholder="Event id" value={q.event ?? ''} onChange={(e) => set({ event: e.currentTarget.value })} />
				{!fixed.endpoint && (
					<select aria-label="Webhook" value={q.endpoint ?? ''} onChange={(e) => set({ endpoint: e.currentTarget.value })}>
						<option value="">Any webhook</option>{names.data?.items.map((e) => <option key={e.id} value={e.id}>{e.name || e.url}</option>)}
					</select>
				)}
				<span role="status" aria-live="polite">{fresh.length > 0 && <button onClick={() => { set({ open: '' }); scrollTo(0, 0); show(null); }}>{count(fresh.length)}{fresh.length >= 100 ? '+' : ''} new</button>}</span>
			</div>
			{live.fault && !shown && <Wrong fault={live.fault} again={live.again} />}
			{shown && rows.length === 0 && (
				<Empty title={filtered.length ? 'Nothing fits the filter' : 'No deliveries yet'}>
					{filtered.length ? <p>{filtered.join(', ')} leaves nothing. <a href={path}>Clear</a></p> : <p>Publish an event that a webhook wants, and its delivery is shown here.</p>}
				</Empty>
			)}
			{rows.length > 0 && (
				<Rows label="Deliveries" rows={rows} id={(d) => d.id} opened={q.open} open={(d) => set({ open: d.id })} columns={[
					{ head: 'State', cell: (d) => <State is={d.state} /> },
					{ head: 'Type', grow: true, cell: (d) => <span class="clip">{d.event.type}</span> },
					...(fixed.endpoint ? [] : [{ head: 'Webhook', cell: (d: Delivery) => (d.endpoint ? <a href={ui('/webhooks/' + d.endpoint)}>{name(d.endpoint)}</a> : '–') }]),
					...(operator.value ? [{ head: 'Customer', spare: true, cell: (d: Delivery) => d.customer }] : []),
					{ head: 'Status', number: true, cell: (d) => d.status || <span class="dim">–</span> },
					{ head: 'Attempts', number: true, spare: true, cell: (d) => d.attempt_count },
					{ head: 'When', cell: (d) => <When at={d.created_at} /> },
				]} />
			)}
			<More more={next ? () => void more() : undefined} />
			{q.open && <DeliveryDrawer key={q.open} id={q.open} close={() => set({ open: '' })} name={name} />}
		</div>
	);
}

function DeliveryDrawer({ id, close, name }: { id: string; close: () => void; name: (id: string) => string }) {
	const got = useLoad<Delivery>('/v1/deliveries/' + encodeURIComponent(id), 3);
	const [said, say] = useState('');
	const [fault, fail] = useState<Fault | null>(null);
	const d = got.data;
	const replay = () => call<{ id: string }>('POST', `/v1/deliveries/${encodeURIComponent(id)}/replay`).then(() => { say('Replayed: the new delivery is at the top of the list.'); fail(null); }, fail);
	return (
		<Drawer title={d?.event.type ?? 'Delivery'} close={close}
			actions={d && <Act missing={missing('replay-deliveries')} data-key="r" onClick={() => void replay()}>Replay</Act>}>
			{(fault ?? (!d && got.fault)) && <Wrong fault={(fault ?? got.fault)!} />}
			<p class="good" role="status">{said}</p>
			{d && (
				<>
					<Facts facts={[['State', <><State is={d.state} /> {d.reason && because(d.reason)}</>], ['Event', <code>{d.event.id}</code>], ['Delivery', <code>{d.id}</code>],
						['Webhook', d.endpoint && <a href={ui('/webhooks/' + d.endpoint)}>{name(d.endpoint)}</a>], ['Since', <When at={d.created_at} />], ['Next attempt', d.next_attempt_at && <When at={d.next_attempt_at} />]]} />
					{d.attempts && d.attempts.length > 0 && <><h3>Attempts</h3>{d.attempts.map((a) => <Waterfall key={a.number + a.at} a={a} most={Math.max(...d.attempts!.map((x) => x.took_ms))} />)}</>}
					<h3>Body</h3>
					{d.body ? <pre tabIndex={0}>{pretty(d.body)}</pre> : <p class="dim">No body: {d.body_note}.</p>}
					{d.body && <p class="hint">As the webhook renders it now.</p>}
				</>
			)}
		</Drawer>
	);
}

/** Waterfall is one attempt: how long each phase took, and what came back. */
function Waterfall({ a, most }: { a: Attempt; most: number }) {
	const phases: [string, number][] = [['DNS', a.dns_ms], ['connect', a.connect_ms], ['TLS', a.tls_ms], ['first byte', a.first_byte_ms]];
	const whole = Math.max(most, 0.1);
	let at = 0;
	return (
		<details class="attempt" open={a.class !== 'delivered'}>
			<summary>
				<b>{a.number}</b> <span class={a.class === 'delivered' ? 'good' : 'bad'}>{a.status || a.reason}</span> <span class="dim">{a.took_ms.toFixed(1)} ms</span> <When at={a.at} />
				<svg class="fall" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label={phases.filter(([, ms]) => ms > 0).map(([n, ms]) => `${n} ${ms.toFixed(1)} ms`).join(', ') || `${a.took_ms.toFixed(1)} ms`}>
					<rect class="rest" x="0" y="0" width={(1000 * a.took_ms) / whole} height="10" />
					{phases.map(([n, ms]) => {
						const x = at;
						at += (1000 * ms) / whole;
						return ms > 0 && <rect key={n} class={'p-' + n.replace(' ', '')} x={x} y="0" width={(1000 * ms) / whole} height="10" />;
					})}
				</svg>
			</summary>
			<p>{phases.filter(([, ms]) => ms > 0).map(([n, ms]) => `${n} ${ms.toFixed(1)} ms`).join(', ')}</p>
			{(a.reason || a.detail) && <p>{[because(a.reason), a.detail].filter(Boolean).join(', ')}</p>}
			{a.resent && <p>Sent a second time at once: the kept connection had ended.</p>}
			{a.answer && <pre tabIndex={0}>{a.answer}</pre>}
			{a.next_attempt_at && <p>Next attempt <When at={a.next_attempt_at} /></p>}
		</details>
	);
}
