import { curlOf, query } from '../api';
import { useLoad } from '../load';
import { Drawer, Empty, Facts, More, Rows, usePages, useQuery, Wrong } from '../parts/list';
import { Copy } from '../parts/code';
import { Page } from '../parts/shell';
import { plural } from '../words';

interface Entry {
	type: string;
	description: string;
	category: string;
	publisher?: string;
	hardware?: string[];
	event_actions?: string[];
	sample?: unknown;
	schema?: unknown;
}

/** Catalogue of event types with samples. */
export function Catalogue() {
	const [q, set] = useQuery();
	const path = '/v1/event-types' + query({ q: q.q, limit: 500 });
	const list = usePages<Entry>(path);
	const open = list.rows?.find((e) => e.type === q.open);
	return (
		<Page title="Catalogue" code={{ command: 'postrider event-types', curl: curlOf('GET', path) }}>
			<input data-filter class="filter" type="search" aria-label="Look for a type" placeholder="Look for a type" value={q.q ?? ''} onInput={(e) => set({ q: e.currentTarget.value, open: '' })} />
			{list.fault && !list.rows && <Wrong fault={list.fault} again={list.again} />}
			{list.rows?.length === 0 && <Empty title={`No type has “${q.q}”`}><p>Types that are not in the catalogue are delivered too.</p></Empty>}
			<div class={open ? 'withdrawer' : ''}>
				{list.rows && list.rows.length > 0 && <Rows label="Event types" rows={list.rows} id={(e) => e.type} opened={q.open} open={(e) => set({ open: e.type })} columns={[{ head: 'Type', cell: (e) => <code>{e.type}</code> }, { head: 'What', grow: true, cell: (e) => e.description }]} />}
				<More more={list.more} />
				{open && <Drawer title={open.type} close={() => set({ open: '' })} code={{ command: `postrider event-types ${open.type} -o json`, curl: curlOf('GET', '/v1/event-types' + query({ q: open.type })) }}><Described e={open} /></Drawer>}
			</div>
		</Page>
	);
}

/** Described is a type with a document of it, to be copied. */
function Described({ e }: { e: Entry }) {
	return (
		<>
			<p>{e.description}</p>
			<Facts facts={[['Category', e.category], ['Published by', e.publisher], ['Hardware', e.hardware?.join(', ')], ['Event actions', e.event_actions && <code>{e.event_actions.join(' ')}</code>]]} />
			{e.sample !== undefined && <Copy label="A sample" text={JSON.stringify(e.sample, null, 2)} />}
			{e.schema !== undefined && <details><summary>JSON Schema</summary><Copy label="Schema" text={JSON.stringify(e.schema, null, 2)} /></details>}
		</>
	);
}

/** Addresses that receivers may put on their allow list. */
export function Addresses() {
	const got = useLoad<{ addresses: string[] }>('/v1/egress');
	const all = got.data?.addresses ?? [];
	return (
		<Page title="Addresses" code={{ curl: curlOf('GET', '/v1/egress') }}>
			{got.fault && <Wrong fault={got.fault} />}
			{got.data && all.length === 0 && <Empty title="Deliveries leave from the machine's own address"><p>The operator can name it: <code>egress.source_ips</code>.</p></Empty>}
			{all.length > 0 && <><p>Deliveries come from {plural(all.length, 'address', 'addresses')}. Put {all.length === 1 ? 'it' : 'them'} on your allow list.</p><Copy label="Addresses" text={all.join('\n')} /></>}
		</Page>
	);
}
