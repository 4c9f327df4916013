import { curlOf, List } from '../api';
import { useLoad } from '../load';
import { Empty, Facts, Rows, When, Wrong } from '../parts/list';
import { Page } from '../parts/shell';
import { session } from '../session';
import { ui } from '../settings';
import type { Audit, Endpoint } from '../types';
import { count, span } from '../words';

interface Info {
	version: string;
	mode: string;
	started_at: string;
	nats: { embedded: boolean; listen: string; sync?: string };
	ledger?: string;
}

/** Operator: the node, its customers, and the audit in full. */
export function Operator() {
	const info = useLoad<Info>('/v1/info', 10);
	const customers = useLoad<List<{ id: string; customer_id: number; name: string; email?: string; time_zone: string }>>('/v1/customers?limit=500');
	const audit = useLoad<Audit>('/v1/audit', 30);
	const hooks = useLoad<List<Endpoint>>('/v1/endpoints?limit=500');
	const name = (id: string) => hooks.data?.items.find((e) => e.id === id)?.name || id;
	if (!session.value?.roles.includes('operator')) return <Page title="Operator"><Empty title="For operators"><p>This page needs the role operator.</p></Empty></Page>;
	const i = info.data;
	return (
		<Page title="Operator" code={{ command: 'postrider audit', curl: curlOf('GET', '/v1/audit') }}>
			{info.fault && !i && <Wrong fault={info.fault} again={info.again} />}
			{i && <Facts facts={[['Version', i.version], ['Mode', i.mode], ['Started', <When at={i.started_at} />], ['NATS', i.nats.embedded ? `embedded${i.nats.listen ? `, producers at ${i.nats.listen}` : ''}` : 'external'], ['Synced', i.nats.sync && (/^\d/.test(i.nats.sync) ? `every ${span(i.nats.sync)}` : i.nats.sync)], ['Event ids in', i.ledger]]} />}
			<h2>Customers</h2>
			{customers.data && <Rows label="Customers" rows={customers.data.items} id={(c) => c.id} columns={[{ head: 'Customer', cell: (c) => <b>{c.id}</b> }, { head: 'Number', number: true, cell: (c) => c.customer_id }, { head: 'Name', grow: true, cell: (c) => c.name || '–' }, { head: 'E-mail', cell: (c) => c.email || '–' }, { head: 'Time zone', cell: (c) => c.time_zone }]} />}
			<h2>Audit</h2>
			{audit.data && (
				<>
					<p class={audit.data.ok ? 'good' : 'bad'}>{count(audit.data.events)} events up to sequence {count(audit.data.cut)}: {audit.data.ok ? 'it adds up' : 'IT DOES NOT ADD UP'}.</p>
					<Rows label="Audit" rows={audit.data.endpoints} id={(e) => e.endpoint} columns={[{ head: 'Customer', cell: (e) => e.customer }, { head: 'Webhook', grow: true, cell: (e) => <a class="clip" href={ui('/webhooks/' + e.endpoint)}>{name(e.endpoint)}</a> },
						...(['owed', 'delivered', 'dead_lettered', 'skipped', 'waiting', 'missing', 'repeated'] as const).map((k) => ({ head: (k[0]!.toUpperCase() + k.slice(1)).replace('_', '-'), number: true, cell: (e: Audit['endpoints'][0]) => count(e[k]) }))]} />
				</>
			)}
		</Page>
	);
}
