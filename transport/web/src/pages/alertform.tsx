import { useState } from 'preact/hooks';
import { answer, call, Fault } from '../api';
import { Field, Unplaced } from '../parts/form';
import { operator } from '../session';
import type { Alert } from '../types';
import { plural } from '../words';
import { both, Conflict, differing } from './conflict';

/** An alert as it was at etag. */
export interface Picked {
	alert: Alert;
	etag: string;
}

export const criteria: [string, string][] = [['license_plate', 'License plate'], ['license_plate_state', 'Plate state'], ['vin', 'VIN'], ['usdot_number', 'USDOT number'], ['mc_number', 'MC number'], ['trailer_number', 'Trailer number'],
	['cab_number', 'Cab number'], ['trailer_logo', 'Trailer logo'], ['chassis_number', 'Chassis number'], ['container_number', 'Container number'], ['equipment_type', 'Equipment'], ['location_state', 'Seen in state'], ['location_city', 'Seen in city'], ['deep_search', 'Any text']];

type Values = Record<string, unknown>;

const names: Record<string, string> = { alert_name: 'Name', email: 'E-mail', alert_type: 'Runs', match: 'Match', ...Object.fromEntries(criteria), max_differences: 'Differences', lookalikes: 'Look-alikes', is_active: 'Active' };

/** said is a value in words; values that say the same are the same. */
const said = (v: unknown): string => (v === true ? 'on' : v === false ? 'off' : typeof v === 'object' ? JSON.stringify(v) : String(v ?? ''));

/** AlertForm adds an alert, or changes one. */
export function AlertForm({ of, saved }: { of: Picked | null; saved: () => void }) {
	const [base, rebase] = useState(of);
	const alert = base?.alert;
	const [v, set] = useState<Values>(() => (alert ? { ...alert } : { alert_type: 'normal', is_active: true, match: 'all' }));
	const [theirs, learn] = useState<Picked | null>(null);
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
			await (base ? call('PATCH', '/alerts/' + base.alert.id, body(), { 'If-Match': base.etag }) : call('POST', '/alerts', body()));
			saved();
		} catch (e) {
			if (!base || (e as Fault).status !== 412) return fail(e as Fault);
			const now = await answer<Alert>('GET', '/alerts/' + base.alert.id);
			learn({ alert: now.body, etag: now.etag });
		}
	};
	const preview = () => {
		const whole = Object.fromEntries(Object.entries(v).filter(([k, x]) => !['id', 'created_at', 'updated_at'].includes(k) && x !== ''));
		call<{ total_matches: number; detections: number }>('POST', '/alerts/preview', { ...whole, from: new Date(Date.now() - 7 * 86400e3).toISOString() })
			.then((p) => { tell(`In the last 7 days: ${plural(p.total_matches, 'match', 'matches')} in ${plural(p.detections, 'detection')}. ${alert ? 'A run looks at what came since the alert was made, or since a criterion changed.' : 'That is the past: once saved, a run looks at what comes from then on.'}`); fail(null); }, fail);
	};
	if (theirs)
		return <Conflict what="alert" differs={differing<Values>(names, base!.alert, theirs.alert, v, said)} settle={(mine) => {
			set(mine ? both<Values>(v, base!.alert, theirs.alert, said) : { ...theirs.alert });
			rebase(theirs);
			learn(null);
		}} />;
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
