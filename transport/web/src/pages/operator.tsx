import { useState } from 'preact/hooks';
import { call, curlOf, Fault, List } from '../api';
import { useLoad } from '../load';
import { nameOf } from '../names';
import { Empty, Facts, More, Rows, State, usePages, When, Wrong } from '../parts/list';
import { Page } from '../parts/shell';
import { session } from '../session';
import { ui } from '../settings';
import type { Audit } from '../types';
import { clock, count, size, span } from '../words';
import { AuditBar } from './audit';

interface Info {
	version: string;
	mode: string;
	started_at: string;
	nats: { embedded: boolean; listen: string; sync?: string };
	ledger?: string;
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

interface Customer {
	id: string;
	customer_id: number;
	name: string;
	email?: string;
	time_zone: string;
}

/** Operator: the node, its streams, its customers, and the audit in full. */
export function Operator() {
	if (!session.value?.roles.includes('operator')) return <Page title="Operator"><Empty title="For operators"><p>This page needs the role operator.</p></Empty></Page>;
	return <Node />;
}

function Node() {
	const info = useLoad<Info>('/v1/info', 10);
	const ready = useReady();
	const streams = useLoad<List<Stream> & { max_store: number }>('/v1/streams', 10);
	const customers = usePages<Customer>('/v1/customers?limit=100');
	const i = info.data;
	return (
		<Page title="Operator" code={{ command: 'postrider audit', curl: curlOf('GET', '/v1/audit') }}>
			{info.fault && !i && <Wrong fault={info.fault} again={info.again} />}
			{i && <Facts facts={[['Ready', ready && <><State is={ready.missing.length ? 'failing' : 'ready'} /> {ready.missing.map((m) => `${m.part}: ${m.detail}`).join('; ') || 'nothing is missing'}</>],
				['Version', i.version], ['Mode', i.mode], ['Started', <When at={i.started_at} />], ['NATS', i.nats.embedded ? `embedded${i.nats.listen ? `, producers at ${i.nats.listen}` : ''}` : 'external'], ['Synced', i.nats.sync && (/^\d/.test(i.nats.sync) ? `every ${span(i.nats.sync)}` : i.nats.sync)], ['Event ids in', i.ledger]]} />}
			<AuditNow />
			<h2>Streams</h2>
			{streams.fault && !streams.data && <Wrong fault={streams.fault} again={streams.again} />}
			{streams.data && <Rows label="Streams" rows={streams.data.items} id={(s) => s.name} columns={[{ head: 'Stream', cell: (s) => <b>{s.name}</b> }, { head: 'Messages', number: true, cell: (s) => (s.error ? '–' : count(s.messages)) },
				{ head: 'Size', number: true, cell: (s) => (s.error ? '–' : size(s.bytes)) }, { head: 'Of', number: true, cell: (s) => (s.max_bytes > 0 ? size(s.max_bytes) : '–') },
				{ head: 'Share used', grow: true, cell: (s) => (s.error ? <span class="bad">{s.error}</span> : s.max_bytes > 0 && <Used part={s.bytes / s.max_bytes} />) }, { head: 'Last sequence', number: true, cell: (s) => count(s.last_seq) }]} />}
			<h2>Customers</h2>
			{customers.rows?.length === 0 && <p class="dim">A customer comes to be with its first webhook or alert.</p>}
			{customers.rows && customers.rows.length > 0 && <Rows label="Customers" rows={customers.rows} id={(c) => c.id} columns={[{ head: 'Customer', cell: (c) => <a href={ui('/webhooks?customer=' + encodeURIComponent(c.id))}><b>{c.id}</b></a> }, { head: 'Number', number: true, cell: (c) => c.customer_id }, { head: 'Name', grow: true, cell: (c) => c.name || '–' }, { head: 'E-mail', cell: (c) => c.email || '–' }, { head: 'Time zone', cell: (c) => c.time_zone }]} />}
			<More more={customers.more} />
		</Page>
	);
}

/** useReady asks what the node waits for; both answers of /readyz say so. */
function useReady(): { missing: { part: string; detail: string }[] } | null {
	const got = useLoad<Ready>('/readyz', 10);
	if (got.fault) return { missing: [{ part: 'node', detail: got.fault.message }] };
	return got.data ? { missing: got.data.missing ?? got.data.details?.missing ?? [] } : null;
}

function Used({ part }: { part: number }) {
	return <span class="used"><meter min={0} max={1} high={0.8} value={part} aria-label={`${Math.round(part * 100)} % used`} /> {part < 0.01 ? 'under 1' : Math.round(part * 100)} %</span>;
}

/** AuditNow adds up what was owed, again whenever it is asked to. */
function AuditNow() {
	const [got, set] = useState<{ audit: Audit; at: Date } | null>(null);
	const [fault, fail] = useState<Fault | null>(null);
	const [busy, wait] = useState(false);
	const first = useLoad<Audit>('/v1/audit');
	const audit = got?.audit ?? first.data;
	const now = async () => {
		wait(true);
		try {
			set({ audit: await call<Audit>('GET', '/v1/audit'), at: new Date() });
			fail(null);
		} catch (e) {
			fail(e as Fault);
		}
		wait(false);
	};
	return (
		<section>
			<div class="head"><h2>Audit</h2><span class="grow" /><span class="dim">{(got?.at ?? first.at) && `as of ${clock((got?.at ?? first.at)!)}`}</span><button disabled={busy} onClick={() => void now()}>{busy ? 'Adding up…' : 'Audit now'}</button></div>
			{(fault ?? (!audit && first.fault)) && <Wrong fault={(fault ?? first.fault)!} />}
			{audit && (
				<>
					<AuditBar audit={audit} />
					<p class="hint">{count(audit.events)} events up to sequence {count(audit.cut)}.</p>
					{audit.endpoints.length > 0 && <Rows label="Audit" rows={worst(audit)} id={(e) => e.endpoint} columns={[{ head: 'Customer', cell: (e) => e.customer }, { head: 'Webhook', grow: true, cell: (e) => <a class="clip" href={ui('/webhooks/' + e.endpoint)}>{nameOf(e.endpoint)}</a> },
						...(['owed', 'delivered', 'dead_lettered', 'skipped', 'waiting', 'missing', 'repeated'] as const).map((k) => ({ head: (k[0]!.toUpperCase() + k.slice(1)).replace('_', '-'), number: true, cell: (e: Audit['endpoints'][0]) => count(e[k]) }))]} />}
					{audit.endpoints.length > shown && <p class="hint">The {shown} of {count(audit.endpoints.length)} webhooks that have most missing, dead-lettered or waiting; <code>postrider audit</code> lists all.</p>}
				</>
			)}
		</section>
	);
}

const shown = 100;

const worst = (a: Audit) => [...a.endpoints].sort((x, y) => y.missing - x.missing || y.dead_lettered + y.waiting - x.dead_lettered - x.waiting).slice(0, shown);
