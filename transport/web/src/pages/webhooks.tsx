import { signal } from '@preact/signals';
import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';
import { call, curlOf, Fault, query } from '../api';
import { useLoad } from '../load';
import { forgetNames } from '../names';
import { Spark } from '../parts/chart';
import { Act } from '../parts/form';
import { Dialog } from '../parts/dialog';
import { Empty, More, Rows, State, Typed, usePages, useQuery, Wrong } from '../parts/list';
import { Page } from '../parts/shell';
import { missing, operator } from '../session';
import { ui } from '../settings';
import { Part, useStream } from '../stream';
import type { Endpoint, SeriesOfTime } from '../types';
import { count } from '../words';
import { WebhookForm } from './webhookform';

const adding = signal(false);

/** Webhooks: those in trouble first. */
export function Webhooks() {
	const { route } = useLocation();
	const [q, set] = useQuery();
	const path = '/v1/endpoints' + query({ customer: q.customer, q: q.q, state: q.state, sort: 'trouble', counts: 'true', limit: 50 });
	const list = usePages<Endpoint>(path);
	const counts = list.first?.counts as Record<string, number> | undefined;
	const [states, change] = useState<Map<string, Partial<Endpoint>>>(new Map());
	useStream('/v1/stream?what=endpoints', { open: () => {}, endpoints: (part: Part<Endpoint>) => change((old) => new Map([...old, ...part.items.map((e) => [e.id, e] as const)])) });
	if (q.add) {
		set({ add: '' });
		adding.value = true;
	}
	// A new state is shown at once; the order changes when the list is asked again.
	const rows = (list.rows ?? []).map((e) => ({ ...e, ...states.get(e.id) }));
	const day = useLoad<SeriesOfTime>(rows.length ? '/v1/series' + query({ endpoint: rows.slice(0, 100).map((e) => e.id).sort().join(','), by: 'endpoint', step: '1h', customer: q.customer }) : '', 60);
	const spark = new Map((day.data?.series ?? []).map((s) => [s.key, s]));
	const none = list.rows?.length === 0;
	const filtered = !!(q.q || q.state || q.customer);
	return (
		<Page title="Webhooks" code={{ command: 'postrider endpoint list', curl: curlOf('GET', path) }}
			actions={<Act class="primary" missing={missing('create-alert-webhook-endpoint')} onClick={() => (adding.value = true)}>Add</Act>}>
			{list.fault && !list.rows && <Wrong fault={list.fault} again={list.again} />}
			{(!none || filtered) && (
				<div class="filters">
					<Typed data-filter label="Filter by name, URL or event" placeholder="Name, URL, event" value={q.q ?? ''} typed={(text) => set({ q: text })} />
					{counts && counts.all! > 0 && <span class="ranges" role="group" aria-label="State">{(['all', 'failing', 'disabled', 'paused', 'active'] as const).filter((k) => k === 'all' || counts[k]! > 0).map((k) => (
						<button key={k} aria-pressed={(q.state || 'all') === k} onClick={() => set({ state: k === 'all' ? '' : k })}>{count(counts[k])} {k}</button>
					))}</span>}
					{q.customer && <span class="picked">of {q.customer} <button class="quiet" aria-label="Of any customer" onClick={() => set({ customer: '' })}>✕</button></span>}
				</div>
			)}
			{none && !filtered && (
				<Empty title="No webhooks yet"><p>A webhook is where events are delivered to: a URL of yours, signed with a secret of its own.</p>
					<Act class="primary" missing={missing('create-alert-webhook-endpoint')} onClick={() => (adding.value = true)}>Add a webhook</Act></Empty>
			)}
			{none && filtered && <Empty title="Nothing fits the filter"><button onClick={() => set({ q: '', state: '', customer: '' })}>Clear “{[q.q, q.state, q.customer].filter(Boolean).join(' ')}”</button></Empty>}
			{rows.length > 0 && (
				<Rows label="Webhooks" rows={rows} id={(e) => e.id} open={(e) => route(ui('/webhooks/' + e.id))} opened={q.saved} columns={[
					{ head: 'State', cell: (e) => <State is={e.enabled ? e.state : 'disabled'} /> },
					{ head: 'Name', cell: (e) => <a class="clip" title={e.name} href={ui('/webhooks/' + e.id)}>{e.name || <span class="dim">no name</span>}</a> },
					{ head: 'URL', grow: true, cell: (e) => <span class="clip" title={e.url}>{e.url}</span> },
					...(operator.value ? [{ head: 'Customer', cell: (e: Endpoint) => e.customer }] : []),
					{ head: 'Events', cell: (e) => <span class="clip">{e.events.slice(0, 2).join(' ')}{e.events.length > 2 && ` +${e.events.length - 2}`}</span> },
					{ head: 'Last day', cell: (e) => <Spark s={spark.get(e.id)} steps={day.data?.steps ?? 24} /> },
					{ head: 'Waiting', number: true, cell: (e) => (e.waiting ? count(e.waiting) : <span class="dim">0</span>) },
					{ head: 'On', cell: (e) => <Switch endpoint={e} changed={list.again} /> },
				]} />
			)}
			<More more={list.more} />
			<Dialog open={adding} title="Add a webhook" wide>
				<WebhookForm saved={(e) => { adding.value = false; set({ saved: e.id }); list.again(); forgetNames(); }} />
			</Dialog>
		</Page>
	);
}

/** Switch turns a webhook on and off; only enabled ones are notified. */
function Switch({ endpoint, changed }: { endpoint: Endpoint; changed: () => void }) {
	const [fault, set] = useState<Fault | null>(null);
	const lacks = missing('edit-alert-webhook-endpoint');
	const flip = async () => {
		try {
			await call('PATCH', '/v1/endpoints/' + endpoint.id, { enabled: !endpoint.enabled });
			set(null);
			changed();
		} catch (e) {
			set(e as Fault);
		}
	};
	return <input type="checkbox" role="switch" aria-label={`Deliver to ${endpoint.name || endpoint.url}`} checked={endpoint.enabled} disabled={!!lacks} title={fault?.message ?? lacks} onChange={() => void flip()} />;
}
