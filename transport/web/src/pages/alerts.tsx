import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { answer, call, curlOf, Fault, List, query } from '../api';
import { useLoad } from '../load';
import { Code } from '../parts/code';
import { Dialog } from '../parts/dialog';
import { Act } from '../parts/form';
import { Empty, More, Rows, State, usePages, useQuery, When, Wrong } from '../parts/list';
import { Page } from '../parts/shell';
import { missing, operator, session } from '../session';
import { ui } from '../settings';
import type { Alert, Customer, Run } from '../types';
import { ago, plural } from '../words';
import { AlertForm, criteria, Picked } from './alertform';

const editing = signal(false);
const picked = signal<Picked | null>(null);

/** Alerts: what to look for in detections; webhooks and mail say who is told. */
export function Alerts() {
	const [q, set] = useQuery();
	const path = '/alerts' + query({ customer: q.customer, alert_type: q.type, limit: 500 });
	const list = usePages<Alert>(path);
	const words = (q.q ?? '').toLowerCase();
	const rows = (list.rows ?? []).filter((a) => !words || JSON.stringify(a).toLowerCase().includes(words));
	const [fault, fail] = useState<Fault | null>(null);
	const add = () => {
		picked.value = null;
		editing.value = true;
	};
	// What is edited is what is there now, whatever the list was told when it was asked for.
	const open = (a: Alert) => void answer<Alert>('GET', '/alerts/' + a.id).then((got) => {
		picked.value = { alert: got.body, etag: got.etag };
		editing.value = true;
		fail(null);
	}, fail);
	return (
		<Page title="Alerts" code={{ command: 'postrider alert list', curl: curlOf('GET', path) }}
			actions={<Act class="primary" missing={missing('create-alert-endpoint')} onClick={add}>Add</Act>}>
			{fault && <Wrong fault={fault} />}
			{list.fault && !list.rows && <Wrong fault={list.fault} again={list.again} />}
			{list.rows?.length === 0 && <Empty title="No alerts yet"><p>An alert says what to look for in truck detections. What matches goes to your webhooks and by e-mail.</p>
				<Act class="primary" missing={missing('create-alert-endpoint')} onClick={add}>Add an alert</Act></Empty>}
			{list.rows && list.rows.length > 0 && <Schedule customers={[...new Set(list.rows.map((a) => a.customer))].sort()} />}
			{list.rows && list.rows.length > 0 && <input data-filter class="filter" type="search" aria-label="Filter alerts" placeholder="Name, number, address" value={q.q ?? ''} onInput={(e) => set({ q: e.currentTarget.value })} />}
			{rows.length > 0 && (
				<Rows label="Alerts" rows={rows} id={(a) => a.id} open={open} columns={[
					{ head: 'Name', cell: (a) => <span class="clip" title={a.alert_name}>{a.alert_name}</span> },
					{ head: 'Type', cell: (a) => a.alert_type },
					{ head: 'Active', cell: (a) => <State is={a.is_active ? 'active' : 'paused'} /> },
					{ head: 'Looks for', grow: true, cell: (a) => <span class="clip">{criteria.filter(([k]) => a[k]).map(([k, n]) => `${n} ${a[k]}`).join(', ')}</span> },
					{ head: 'E-mail', cell: (a) => a.email },
					...(operator.value ? [{ head: 'Customer', cell: (a: Alert) => a.customer }] : []),
				]} />
			)}
			<More more={list.more} />
			<Dialog open={editing} title={picked.value ? 'Edit alert' : 'Add an alert'} wide><AlertForm of={picked.value} saved={() => { editing.value = false; list.again(); }} /></Dialog>
		</Page>
	);
}

/** RunSummary runs a customer's normal and hot alerts now, and tells what came of it. */
function RunSummary({ customer }: { customer?: string }) {
	const [run, set] = useState<Run | null>(null);
	const [busy, wait] = useState(false);
	const [fault, fail] = useState<Fault | null>(null);
	const go = async () => {
		wait(true);
		fail(null);
		try {
			set(await call<Run>('POST', '/alerts/run', { customer, wait: true }));
		} catch (e) {
			fail(e as Fault);
		}
		wait(false);
	};
	return (
		<>
			<span role="status" class={fault ? 'bad' : 'dim'}>
				{busy ? 'Running…' : fault ? fault.message : run && <a href={ui('/runs' + (run.run_id ? '?open=' + run.run_id : ''))}>{run.status === 'finished' ? (run.total_matches ? plural(run.total_matches, 'match', 'matches') : 'No new matches: nothing is sent') : run.status}</a>}
			</span>
			<Act missing={missing('run-summary-alert')} busy={busy} onClick={() => void go()}>Run Alert Summary</Act>
		</>
	);
}

const types: [string, string][] = [['normal', 'Daily'], ['hot', 'Every 15 minutes'], ['live', 'At once'], ['summary', 'By hand']];

/** Schedule says when a customer's alerts ran last, and run next in its own zone; and has the button that does not wait. */
function Schedule({ customers }: { customers: string[] }) {
	const [picked, pick] = useState('');
	const customer = operator.value ? customers.find((c) => c === picked) ?? customers[0] : session.value?.customer;
	const about = useLoad<Customer>(customer ? `/v1/customers/${encodeURIComponent(customer)}?now=true` : '', 60);
	const own = operator.value ? customer : undefined;
	if (!customer) return null;
	const c = about.data;
	return (
		<section class="box schedule" aria-label="When alerts run">
			<div class="head">
				{operator.value && customers.length > 1 ? <select aria-label="Customer whose alerts are run" value={customer} onChange={(e) => pick(e.currentTarget.value)}>{customers.map((c) => <option key={c}>{c}</option>)}</select> : operator.value && <b>{customer}</b>}
				<span class="grow" />
				<Code command={'postrider alert run --wait' + (own ? ` --customer ${own}` : '')} curl={curlOf('POST', '/alerts/run', { ...(own ? { customer: own } : {}), wait: true })} />
				<RunSummary key={customer} customer={own} />
			</div>
			<dl class="runs">{types.map(([type, name]) => <div key={type}><dt>{name}</dt><dd><Last customer={own} type={type} /></dd><dd>{type === 'live' ? 'as detections come' : type === 'summary' ? 'daily and hot alerts in one, by Run Alert Summary' : c?.next_runs?.[type] && <>next {inZone(c.next_runs[type]!, c.time_zone)} <span class="dim">{ago(c.next_runs[type])}</span></>}</dd></div>)}</dl>
		</section>
	);
}

/** Last is the last run of a type, and what it found. */
function Last({ customer, type }: { customer?: string; type: string }) {
	const { data } = useLoad<List<Run>>('/v1/runs' + query({ customer, alert_type: type, limit: 1 }), 30);
	const run = data?.items[0];
	if (!run) return <span class="dim">{data && 'not run yet'}</span>;
	return <a href={ui('/runs?open=' + run.run_id)}>{run.status === 'finished' ? `${plural(run.total_matches, 'match', 'matches')}` : run.status} <When at={run.started_at} /></a>;
}

/** inZone is a time as a customer's clock shows it. */
const inZone = (text: string, zone: string): string => `${new Date(text).toLocaleString(undefined, { weekday: 'short', hour: '2-digit', minute: '2-digit', hour12: false, timeZone: zone })} ${zone}`;
