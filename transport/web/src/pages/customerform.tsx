import { useState } from 'preact/hooks';
import { answer, call, Fault } from '../api';
import { Field, Unplaced } from '../parts/form';
import { operator } from '../session';
import type { Customer, Location } from '../types';
import { both, Conflict, differing } from './conflict';
import { bodyOf, CustomerValues, initial, names, said } from './customervalues';
import { quotaName } from './uses';

/** How many locations are edited here; of more, postrider customer edit takes a file. */
const most = 50;

/** CustomerForm changes what a customer says about itself, as it was at etag; operators set its bounds too. */
export function CustomerForm({ customer, etag, done }: { customer: Customer; etag: string; done: () => void }) {
	const [base, rebase] = useState({ c: customer, etag });
	const [v, set] = useState<CustomerValues>(() => initial(customer));
	const [fault, fail] = useState<Fault | null>(null);
	const [theirs, learn] = useState<{ c: Customer; etag: string } | null>(null);
	const { c } = base;
	const path = '/v1/customers/' + encodeURIComponent(c.id);
	const put = (k: 'name' | 'email' | 'time_zone' | 'normal' | 'hot') => (e: { currentTarget: { value: string } }) => set({ ...v, [k]: e.currentTarget.value });
	const save = async (e: Event) => {
		e.preventDefault();
		try {
			const body = bodyOf(v, initial(c));
			if (Object.keys(body).length) await call('PATCH', path, body, { 'If-Match': base.etag });
			done();
		} catch (e) {
			if ((e as Fault).status !== 412) return fail(e as Fault);
			const now = await answer<Customer>('GET', path + '?now=true');
			learn({ c: now.body, etag: now.etag });
		}
	};
	if (theirs) {
		const [was, now] = [initial(c), initial(theirs.c)];
		return <Conflict what="customer" differs={differing(names, was, now, v, said)} settle={(mine) => {
			set(mine ? { ...both(v, was, now, said), quotas: both(v.quotas, was.quotas, now.quotas, said) } : now);
			rebase(theirs);
			learn(null);
		}} />;
	}
	const sites = v.locations;
	const place = (locations: Location[]) => set({ ...v, locations });
	const change = (i: number, with_: Partial<Location>) => place(sites.map((s, n) => (n === i ? { ...s, ...with_ } : s)));
	return (
		<form onSubmit={(e) => void save(e)} noValidate>
			<Unplaced fault={fault} fields={['name', 'email', 'time_zone', 'schedules.normal', 'schedules.hot', ...(c.use ?? []).map((u) => 'quotas.' + u.quota)]} />
			<div class="grid">
				<Field label="Name" name="name" fault={fault}><input value={v.name} onInput={put('name')} maxLength={200} /></Field>
				<Field label="E-mail for notices" name="email" fault={fault}><input type="email" value={v.email} onInput={put('email')} /></Field>
				<Field label="Time zone" name="time_zone" fault={fault}><input list="zones" value={v.time_zone} onInput={put('time_zone')} /></Field>
				<Field label="Daily alerts run" name="schedules.normal" fault={fault} hint="Minute, hour, day, month, weekday"><input class="code" value={v.normal} onInput={put('normal')} placeholder="0 7 * * *" /></Field>
				<Field label="Hot alerts run" name="schedules.hot" fault={fault}><input class="code" value={v.hot} onInput={put('hot')} placeholder="*/15 * * * *" /></Field>
			</div>
			<datalist id="zones">{Intl.supportedValuesOf('timeZone').map((z) => <option key={z} value={z} />)}</datalist>
			<h3>Locations</h3>
			{sites.length > most ? <p class="hint">{sites.length} of them: <code>postrider customer edit {c.id} --locations FILE</code> changes them.</p> : (
				<>
					{sites.map((s, i) => (
						<p key={i} class="site">
							<input aria-label={`Location ${i + 1}`} value={s.name} onInput={(e) => change(i, { name: e.currentTarget.value })} placeholder="Name" />
							<select aria-label={`Hardware of location ${i + 1}`} value={s.hardware} onChange={(e) => change(i, { hardware: e.currentTarget.value })}><option value="mercury">Mercury</option><option value="vertx">VertX</option></select>
							<button type="button" class="quiet" aria-label={`Remove location ${i + 1}`} onClick={() => place(sites.filter((_, n) => n !== i))}>✕</button>
						</p>
					))}
					<p><button type="button" onClick={() => place([...sites, { uuid: newID(), name: '', hardware: 'mercury' }])}>Add a location</button></p>
				</>
			)}
			{operator.value && c.use && (
				<>
					<h3>Bounds of its own</h3>
					<p class="hint">Empty: as the settings say; 0: none.</p>
					<div class="grid">{c.use.map((u) => (
						<Field key={u.quota} label={quotaName(u.quota)} name={'quotas.' + u.quota} fault={fault}><input inputMode="decimal" value={v.quotas[u.quota] ?? ''} onInput={(e) => set({ ...v, quotas: { ...v.quotas, [u.quota]: e.currentTarget.value } })} placeholder={String(u.bound)} /></Field>
					))}</div>
				</>
			)}
			<p class="buttons"><button class="primary" type="submit">Save</button><button type="button" onClick={done}>Leave it</button></p>
		</form>
	);
}

/** newID names a new location: browsers make UUIDs on https and this machine only. */
const newID = (): string => crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');
