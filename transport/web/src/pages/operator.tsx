import { signal } from '@preact/signals';
import { useMemo, useState } from 'preact/hooks';
import { call, curlOf, Fault, List, query } from '../api';
import { useLoad } from '../load';
import { nameOf } from '../names';
import { Code } from '../parts/code';
import { Dialog } from '../parts/dialog';
import { Drawer, Empty, Facts, More, Rows, State, Typed, usePages, useQuery, When, Wrong } from '../parts/list';
import { Page } from '../parts/shell';
import { session } from '../session';
import { ui } from '../settings';
import type { Audit, Customer, Use } from '../types';
import { clock, count, size, span } from '../words';
import { AuditBar } from './audit';
import { CustomerPane } from './customer';
import { amount, part, quotaName, Share } from './uses';

interface Info {
	version: string;
	mode: string;
	started_at: string;
	nats: { embedded: boolean; listen: string; sync?: string };
	ledger?: string;
	owner?: { node: string; epoch: number; since: string };
}

interface Stream {
	name: string;
	messages: number;
	bytes: number;
	max_bytes: number;
	first_seq: number;
	last_seq: number;
	error?: string;
}

interface Ready {
	status: string;
	missing?: { part: string; detail: string }[];
	details?: { missing?: { part: string; detail: string }[] };
}

interface NodeState {
	id: string;
	name: string;
	version: string;
	state: string;
	ready: boolean;
	started_at: string;
	shards: number[];
	in_hand: number;
}

/** Operator: the node, its streams, its customers, and the audit in full. */
export function Operator() {
	if (!session.value?.roles.includes('operator')) return <Page title="Operator"><Empty title="For operators"><p>This page needs the role operator.</p></Empty></Page>;
	return <Node />;
}

function Node() {
	const [q, set] = useQuery();
	const info = useLoad<Info>('/v1/info', 10);
	const ready = useReady();
	const streams = useLoad<List<Stream> & { max_store: number }>('/v1/streams', 10);
	const i = info.data;
	return (
		<Page title="Operator" code={{ command: 'postrider audit', curl: curlOf('GET', '/v1/audit') }}>
			{info.fault && !i && <Wrong fault={info.fault} again={info.again} />}
			{i && <Facts wide facts={[['Ready', ready && <><State is={ready.missing.length ? 'failing' : 'ready'} /> {ready.missing.map((m) => `${m.part}: ${m.detail}`).join('; ') || 'nothing is missing'}</>],
				['Version', i.version], ['Mode', i.mode], ['Started', <When at={i.started_at} />], ['NATS', i.nats.embedded ? `embedded${i.nats.listen ? `, producers at ${i.nats.listen}` : ''}` : 'external'], ['Synced', i.nats.sync && (/^\d/.test(i.nats.sync) ? `every ${span(i.nats.sync)}` : i.nats.sync)], ['Event ids in', i.ledger],
				['Owner', i.owner && <>{i.owner.node}, epoch {count(i.owner.epoch)}, <When at={i.owner.since} /></>]]} />}
			<Nodes />
			<Customers q={q} set={set} />
			<section>
				<div class="head"><h2>Streams</h2><span class="grow" /><Code curl={curlOf('GET', '/v1/streams')} command="postrider doctor" /></div>
				{streams.fault && !streams.data && <Wrong fault={streams.fault} again={streams.again} />}
				{streams.data && <Rows label="Streams" rows={streams.data.items} id={(s) => s.name} columns={[{ head: 'Stream', cell: (s) => <b>{s.name}</b> }, { head: 'Messages', number: true, cell: (s) => (s.error ? '–' : count(s.messages)) },
					{ head: 'Size', number: true, cell: (s) => (s.error ? '–' : size(s.bytes)) }, { head: 'Of', number: true, cell: (s) => (s.max_bytes > 0 ? size(s.max_bytes) : '–') },
					{ head: 'Share used', grow: true, cell: (s) => (s.error ? <span class="bad">{s.error}</span> : s.max_bytes > 0 && <Share part={s.bytes / s.max_bytes} />) }, { head: 'Last sequence', number: true, cell: (s) => count(s.last_seq) }]} />}
			</section>
			<AuditNow />
		</Page>
	);
}

/** Nodes are those that share the work; one that is drained hands its work back, until it is started again. */
function Nodes() {
	const nodes = useLoad<List<NodeState>>('/v1/nodes', 5);
	const [draining, ask] = useState<NodeState | null>(null);
	const [fault, fail] = useState<Fault | null>(null);
	const open = useMemo(() => signal(false), []);
	const drain = () => call('POST', `/v1/nodes/${encodeURIComponent(draining!.id)}/drain`).then(() => { open.value = false; nodes.again(); }, (f: Fault) => { open.value = false; fail(f); });
	return (
		<section>
			<div class="head"><h2>Nodes</h2><span class="grow" /><Code curl={curlOf('GET', '/v1/nodes')} command="postrider drain" /></div>
			{(fault ?? (!nodes.data && nodes.fault)) && <Wrong fault={(fault ?? nodes.fault)!} />}
			{nodes.data && <Rows label="Nodes" rows={nodes.data.items} id={(n) => n.id} columns={[
				{ head: 'Node', grow: true, cell: (n) => <><b class="clip" title={n.id}>{n.name}</b><span class="under clip">{n.version}</span></> },
				{ head: 'State', cell: (n) => <State is={n.state === 'working' && !n.ready ? 'failing' : n.state} /> },
				{ head: 'Shards', number: true, cell: (n) => n.shards.join(', ') || '–' },
				{ head: 'In hand', number: true, cell: (n) => count(n.in_hand) },
				{ head: 'Started', cell: (n) => <When at={n.started_at} /> },
				{ head: 'Do', cell: (n) => n.state === 'working' && <button onClick={() => { ask(n); open.value = true; }}>Drain…</button> },
			]} />}
			<Dialog open={open} title={`Drain ${draining?.name ?? ''}?`}>
				<p>Attempts under way finish, the rest is handed back, and this node delivers nothing until it is started again. Without another node everything waits meanwhile; nothing is lost.</p>
				<p class="buttons"><button class="danger" onClick={() => void drain()}>Drain</button><button onClick={() => (open.value = false)}>Leave it</button></p>
			</Dialog>
		</section>
	);
}

/** Customers lists all, with what is nearest to its bound; one that is opened stands beside the list. */
function Customers({ q, set }: { q: Record<string, string>; set: (change: Record<string, string>) => void }) {
	const path = '/v1/customers' + query({ q: q.q, now: 'true', limit: 40 });
	const list = usePages<Customer>(path);
	return (
		<section>
			<div class="head"><h2>Customers</h2><span class="grow" /><Code command="postrider customer list" curl={curlOf('GET', path)} /></div>
			{list.fault && !list.rows && <Wrong fault={list.fault} again={list.again} />}
			{list.rows?.length === 0 && !q.q && <p class="dim">A customer comes to be with its first webhook or alert.</p>}
			{list.rows && (list.rows.length > 0 || q.q) && <div class="filters"><Typed data-filter label="Filter customers" placeholder="Id, name, number, e-mail" value={q.q ?? ''} typed={(text) => set({ q: text })} /></div>}
			{list.rows?.length === 0 && q.q && <p class="dim">No customer has “{q.q}”.</p>}
			<div class={q.open ? 'withdrawer' : ''}>
				{list.rows && list.rows.length > 0 && <Rows label="Customers" rows={list.rows} id={(c) => c.id} opened={q.open} open={(c) => set({ open: c.id })} columns={[
					{ head: 'Customer', cell: (c) => <b>{c.id}</b> }, { head: 'Number', number: true, spare: true, cell: (c) => c.customer_id }, { head: 'Name', grow: true, cell: (c) => <span class="clip">{c.name || '–'}</span> },
					{ head: 'Webhooks', number: true, cell: (c) => used(c, 'endpoints') }, { head: 'Alerts', number: true, cell: (c) => used(c, 'alerts') }, { head: 'Events/s', number: true, cell: (c) => used(c, 'events_per_second') },
					{ head: 'Nearest to its bound', spare: true, cell: (c) => <Nearest uses={c.use ?? []} /> }]} />}
				<More more={list.more} />
				{q.open && <Drawer title={q.open} close={() => set({ open: '' })} code={{ command: `postrider customer usage ${q.open}`, curl: curlOf('GET', '/v1/usage' + query({ customer: q.open })) }}
					actions={<a class="button" href={ui('/webhooks?customer=' + encodeURIComponent(q.open))}>Webhooks</a>}><CustomerPane key={q.open} id={q.open} changed={list.again} /></Drawer>}
			</div>
		</section>
	);
}

const used = (c: Customer, quota: string) => amount(quota, c.use?.find((u) => u.quota === quota)?.used ?? 0);

function Nearest({ uses }: { uses: Use[] }) {
	const most = uses.filter((u) => u.bound > 0).sort((a, b) => part(b) - part(a))[0];
	return most && part(most) > 0 ? <>{quotaName(most.quota)} <Share part={part(most)} since={most.since} /></> : <span class="dim">–</span>;
}

/** useReady asks what the node waits for; both answers of /readyz say so. */
function useReady(): { missing: { part: string; detail: string }[] } | null {
	const got = useLoad<Ready>('/readyz', 10);
	if (got.fault) return { missing: [{ part: 'node', detail: got.fault.message }] };
	return got.data ? { missing: got.data.missing ?? got.data.details?.missing ?? [] } : null;
}

/** AuditNow adds up what was owed, again whenever it is asked to. */
function AuditNow() {
	const [got, set] = useState<Audit | null>(null);
	const [fault, fail] = useState<Fault | null>(null);
	const [busy, wait] = useState(false);
	const first = useLoad<Audit>(`/v1/audit?lines=${shown}&max_age=10m`);
	const audit = got ?? first.data;
	const now = async () => {
		wait(true);
		try {
			set(await call<Audit>('GET', `/v1/audit?lines=${shown}`));
			fail(null);
		} catch (e) {
			fail(e as Fault);
		}
		wait(false);
	};
	return (
		<section>
			<div class="head"><h2>Audit</h2><span class="grow" /><span class="dim">{audit && `as of ${clock(audit.at)}`}</span><button disabled={busy} onClick={() => void now()}>{busy ? 'Adding up…' : 'Audit now'}</button></div>
			{(fault ?? (!audit && first.fault)) && <Wrong fault={(fault ?? first.fault)!} />}
			{audit && (
				<>
					<AuditBar audit={audit} />
					<p class="hint">{count(audit.events)} events up to sequence {count(audit.cut)}.</p>
					{audit.endpoints.length > 0 && <Rows label="Audit" rows={audit.endpoints} id={(e) => e.endpoint} columns={[{ head: 'Customer', cell: (e) => e.customer }, { head: 'Webhook', grow: true, cell: (e) => <a class="clip" href={ui('/webhooks/' + e.endpoint)}>{nameOf(e.endpoint)}</a> },
						...(['owed', 'delivered', 'dead_lettered', 'skipped', 'waiting', 'missing', 'repeated'] as const).map((k) => ({ head: (k[0]!.toUpperCase() + k.slice(1)).replace('_', '-'), number: true, cell: (e: Audit['endpoints'][0]) => count(e[k]) }))]} />}
					{audit.total.endpoints > audit.endpoints.length && <p class="hint">The {audit.endpoints.length} of {count(audit.total.endpoints)} webhooks that have most missing, dead-lettered or waiting; <code>postrider audit</code> lists all.</p>}
				</>
			)}
		</section>
	);
}

const shown = 100;
