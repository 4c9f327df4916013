import { signal } from '@preact/signals';
import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';
import { call, curlOf, Fault, query } from '../api';
import { Act } from '../parts/form';
import { Dialog } from '../parts/dialog';
import { Empty, More, Rows, State, usePages, useQuery, Wrong } from '../parts/list';
import { Page } from '../parts/shell';
import { missing, operator } from '../session';
import { ui } from '../settings';
import type { Endpoint } from '../types';
import { count } from '../words';
import { WebhookForm } from './webhookform';

const adding = signal(false);
const worst: Record<string, number> = { failing: 0, disabled: 1, paused: 2, active: 3 };

/** Webhooks: those in trouble first. */
export function Webhooks() {
	const { route } = useLocation();
	const [q, set] = useQuery();
	const list = usePages<Endpoint>('/v1/endpoints' + query({ customer: q.customer, limit: 500 }));
	if (q.add) {
		set({ add: '' });
		adding.value = true;
	}
	const words = (q.q ?? '').toLowerCase();
	const rows = (list.rows ?? [])
		.filter((e) => !words || [e.name, e.url, e.id, e.state, e.customer, ...e.events].join(' ').toLowerCase().includes(words))
		.sort((a, b) => (worst[a.state] ?? 3) - (worst[b.state] ?? 3) || b.waiting - a.waiting || a.name.localeCompare(b.name));
	return (
		<Page title="Webhooks" code={{ command: 'postrider endpoint list', curl: curlOf('GET', '/v1/endpoints') }}
			actions={<Act class="primary" missing={missing('create-alert-webhook-endpoint')} onClick={() => (adding.value = true)}>Add</Act>}>
			{list.fault && !list.rows && <Wrong fault={list.fault} again={list.again} />}
			{list.rows && list.rows.length > 0 && (
				<input data-filter class="filter" type="search" aria-label="Filter by name, URL, event or state" placeholder="Name, URL, event, state" value={q.q ?? ''}
					onInput={(e) => set({ q: e.currentTarget.value })} />
			)}
			{list.rows?.length === 0 && (
				<Empty title="No webhooks yet"><p>A webhook is where events are delivered to: a URL of yours, signed with a secret of its own.</p>
					<Act class="primary" missing={missing('create-alert-webhook-endpoint')} onClick={() => (adding.value = true)}>Add a webhook</Act></Empty>
			)}
			{list.rows && list.rows.length > 0 && rows.length === 0 && <Empty title="Nothing fits the filter"><button onClick={() => set({ q: '' })}>Clear “{q.q}”</button></Empty>}
			{rows.length > 0 && (
				<Rows label="Webhooks" rows={rows} id={(e) => e.id} open={(e) => route(ui('/webhooks/' + e.id))} opened={q.saved} columns={[
					{ head: 'State', cell: (e) => <State is={e.enabled ? e.state : 'disabled'} /> },
					{ head: 'Name', cell: (e) => <a class="clip" title={e.name} href={ui('/webhooks/' + e.id)}>{e.name || <span class="dim">no name</span>}</a> },
					{ head: 'URL', grow: true, cell: (e) => <span class="clip" title={e.url}>{e.url}</span> },
					...(operator.value ? [{ head: 'Customer', cell: (e: Endpoint) => e.customer }] : []),
					{ head: 'Events', cell: (e) => <span class="clip">{e.events.slice(0, 2).join(' ')}{e.events.length > 2 && ` +${e.events.length - 2}`}</span> },
					{ head: 'Waiting', number: true, cell: (e) => (e.waiting ? count(e.waiting) : <span class="dim">0</span>) },
					{ head: 'On', cell: (e) => <Switch endpoint={e} changed={list.again} /> },
				]} />
			)}
			<More more={list.more} />
			<Dialog open={adding} title="Add a webhook" wide>
				<WebhookForm saved={(e) => { adding.value = false; set({ saved: e.id }); list.again(); }} />
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
