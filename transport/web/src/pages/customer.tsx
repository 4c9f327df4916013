import { useState } from 'preact/hooks';
import { answer, Fault } from '../api';
import { useLoad } from '../load';
import { Act } from '../parts/form';
import { Empty, Facts, When, Wrong } from '../parts/list';
import { missing } from '../session';
import type { Customer } from '../types';
import { plural } from '../words';
import { Changes, changesOf } from './changes';
import { CustomerForm } from './customerform';
import { Uses } from './uses';

/** CustomerPane is one customer: what it uses of its quotas, when its alerts run, and what it says about itself. */
export function CustomerPane({ id, changed }: { id: string; changed?: () => void }) {
	const path = `/v1/customers/${encodeURIComponent(id)}?now=true`;
	const got = useLoad<Customer>(path, 5);
	// What is edited is what was there when the form was opened.
	const [editing, edit] = useState<{ body: Customer; etag: string } | null>(null);
	const [fault, fail] = useState<Fault | null>(null);
	const c = got.data;
	if (!c) return got.fault ? got.fault.status === 404 ? <Empty title="Nothing to show yet"><p>An account begins with its first webhook or alert.</p></Empty> : <Wrong fault={got.fault} again={got.again} /> : null;
	if (editing)
		return <CustomerForm customer={editing.body} etag={editing.etag} done={() => {
			edit(null);
			got.again();
			changed?.();
		}} />;
	const zone = (at?: string) => at && <><When at={at} /> <span class="dim">{new Date(at).toLocaleString(undefined, { weekday: 'short', hour: '2-digit', minute: '2-digit', hour12: false, timeZone: c.time_zone })} there</span></>;
	const sites = c.locations ?? [];
	return (
		<>
			<Facts facts={[['Name', c.name || '–'], ['Number', c.customer_id], ['E-mail', c.email ? <>{c.email} <span class="dim">gets notices of webhooks and runs that fail</span></> : 'no notices are sent'], ['Time zone', c.time_zone],
				['Daily alerts', c.schedules && <><code>{c.schedules.normal}</code> {zone(c.next_runs?.normal)}</>], ['Hot alerts', c.schedules && <><code>{c.schedules.hot}</code> {zone(c.next_runs?.hot)}</>],
				['Locations', sites.length > 0 && <>{sites.slice(0, 6).map((l) => `${l.name || l.uuid} (${l.hardware})`).join(', ')}{sites.length > 6 && ` and ${plural(sites.length - 6, 'other', 'others')}`}</>]]} />
			{fault && <Wrong fault={fault} />}
			<p class="buttons"><Act missing={missing('admin')} onClick={() => void answer<Customer>('GET', path).then((a) => { edit(a); fail(null); }, fail)}>Edit</Act></p>
			<h3>Use</h3>
			{c.use ? <Uses uses={c.use} own={c.quotas} /> : <p class="dim">This node counts no quotas.</p>}
			<h3>Changes</h3>
			<Changes path={changesOf({ customer: c.id })} named />
		</>
	);
}
