import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { call, curlOf, Fault, List, query } from '../api';
import { useLoad } from '../load';
import { Code } from '../parts/code';
import { Dialog } from '../parts/dialog';
import { Act, Field, Unplaced } from '../parts/form';
import { Empty, More, Rows, State, usePages, useQuery, When, Wrong } from '../parts/list';
import { Page } from '../parts/shell';
import { missing, operator, session } from '../session';
import { ui } from '../settings';
import type { Alert, Customer, Run } from '../types';
import { ago, plural } from '../words';

const editing = signal(false);
const picked = signal<Alert | null>(null);

const criteria: [string, string][] = [['license_plate', 'License plate'], ['license_plate_state', 'Plate state'], ['vin', 'VIN'], ['usdot_number', 'USDOT number'], ['mc_number', 'MC number'], ['trailer_number', 'Trailer number'],
	['cab_number', 'Cab number'], ['trailer_logo', 'Trailer logo'], ['chassis_number', 'Chassis number'], ['container_number', 'Container number'], ['equipment_type', 'Equipment'], ['location_state', 'Seen in state'], ['location_city', 'Seen in city'], ['deep_search', 'Any text']];

/** Alerts: what to look for in detections; webhooks and mail say who is told. */
export function Alerts() {
	const [q, set] = useQuery();
	const path = '/alerts' + query({ customer: q.customer, alert_type: q.type, limit: 500 });
	const list = usePages<Alert>(path);
	const words = (q.q ?? '').toLowerCase();
	const rows = (list.rows ?? []).filter((a) => !words || JSON.stringify(a).toLowerCase().includes(words));
	const open = (a: Alert | null) => {
		picked.value = a;
		editing.value = true;
	};
	return (
		<Page title="Alerts" code={{ command: 'postrider alert list', curl: curlOf('GET', path) }}
			actions={<Act class="primary" missing={missing('create-alert-endpoint')} onClick={() => open(null)}>Add</Act>}>
			{list.fault && !list.rows && <Wrong fault={list.fault} again={list.again} />}
			{list.rows?.length === 0 && <Empty title="No alerts yet"><p>An alert says what to look for in truck detections. What matches goes to your webhooks and by e-mail.</p>
				<Act class="primary" missing={missing('create-alert-endpoint')} onClick={() => open(null)}>Add an alert</Act></Empty>}
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
			<Dialog open={editing} title={picked.value ? 'Edit alert' : 'Add an alert'} wide><AlertForm alert={picked.value} saved={() => { editing.value = false; list.again(); }} /></Dialog>
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

function AlertForm({ alert, saved }: { alert: Alert | null; saved: () => void }) {
	const [v, set] = useState<Record<string, unknown>>(() => (alert ? { ...alert } : { alert_type: 'normal', is_active: true, match: 'all' }));
	const [fault, fail] = useState<Fault | null>(null);
	const [found, tell] = useState<string>('');
	const [sure, ask] = useState(false);
	const put = (k: string) => (e: { currentTarget: { value: string } }) => set({ ...v, [k]: e.currentTarget.value });
	const flip = (k: string) => (e: { currentTarget: { checked: boolean } }) => set({ ...v, [k]: e.currentTarget.checked });
	const body = () => {
		const b: Record<string, unknown> = {};
		for (const [k, x] of Object.entries(v)) if (!['id', 'created_at', 'updated_at', ...(alert ? ['customer'] : [])].includes(k) && (alert ? x !== alert[k] : x !== '')) b[k] = k === 'max_differences' ? Number(x) : x;
		return b;
	};
	const save = async (e: Event) => {
		e.preventDefault();
		try {
			await (alert ? call('PATCH', '/alerts/' + alert.id, body()) : call('POST', '/alerts', body()));
			saved();
		} catch (e) {
			fail(e as Fault);
		}
	};
	const preview = () => {
		const whole = Object.fromEntries(Object.entries(v).filter(([k, x]) => !['id', 'created_at', 'updated_at'].includes(k) && x !== ''));
		call<{ total_matches: number; detections: number }>('POST', '/alerts/preview', { ...whole, from: new Date(Date.now() - 7 * 86400e3).toISOString() })
			.then((p) => { tell(`In the last 7 days: ${plural(p.total_matches, 'match', 'matches')} in ${plural(p.detections, 'detection')}. ${alert ? 'A run looks at what came since the alert was made, or since a criterion changed.' : 'That is the past: once saved, a run looks at what comes from then on.'}`); fail(null); }, fail);
	};
	return (
		<form class="grid" onSubmit={(e) => void save(e)}>
			<Unplaced fault={fault} fields={['alert_name', 'email', ...criteria.map(([k]) => k)]} />
			<Field label="Name" name="alert_name" fault={fault}><input required autofocus value={String(v.alert_name ?? '')} onInput={put('alert_name')} /></Field>
			<Field label="E-mail" name="email" fault={fault}><input required type="email" value={String(v.email ?? '')} onInput={put('email')} /></Field>
			<Field label="Runs" name="alert_type" fault={fault}><select value={String(v.alert_type)} onChange={put('alert_type')}><option value="normal">daily</option><option value="hot">every 15 minutes</option><option value="live">at once</option></select></Field>
			<Field label="Match" name="match" fault={fault}><select value={String(v.match ?? 'all')} onChange={put('match')}><option value="all">all criteria</option><option value="any">any number</option></select></Field>
			{operator.value && !alert && <Field label="Customer" name="customer" fault={fault}><input value={String(v.customer ?? '')} onInput={put('customer')} /></Field>}
			{criteria.map(([k, n]) => <Field key={k} label={n} name={k} fault={fault}><input value={String(v[k] ?? '')} onInput={put(k)} /></Field>)}
			<Field label="Differences" name="max_differences" fault={fault} hint="Characters that may differ, 0 to 2"><input type="number" min="0" max="2" value={String(v.max_differences ?? 0)} onInput={put('max_differences')} /></Field>
			<label class="check"><input type="checkbox" checked={!!v.lookalikes} onChange={flip('lookalikes')} /> Look-alikes (0 O, 1 I, 2 Z, 5 S, 8 B) are the same</label>
			<label class="check"><input type="checkbox" checked={v.is_active !== false} onChange={flip('is_active')} /> Active</label>
			{found && <p class="good" role="status">{found}</p>}
			<p class="buttons">
				<button class="primary" type="submit">Save</button>
				<button type="button" onClick={preview}>Preview</button>
				{alert && (sure ? <button type="button" class="danger" onClick={() => void call('DELETE', '/alerts/' + alert.id).then(saved, fail)}>Remove for good</button> : <button type="button" onClick={() => ask(true)}>Remove…</button>)}
			</p>
		</form>
	);
}
