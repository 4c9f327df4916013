import { useState } from 'preact/hooks';
import { call, Fault } from '../api';
import { Field, Unplaced } from '../parts/form';
import { operator } from '../session';
import type { Customer, Location } from '../types';
import { quotaName } from './uses';

/** How many locations are edited here; of more, postrider customer edit takes a file. */
const most = 50;

/** CustomerForm changes what a customer says about itself; operators set its bounds too. */
export function CustomerForm({ c, done }: { c: Customer; done: () => void }) {
	const [v, set] = useState({ name: c.name, email: c.email, time_zone: c.time_zone, normal: c.schedules?.normal ?? '', hot: c.schedules?.hot ?? '' });
	const [sites, place] = useState<Location[]>(c.locations ?? []);
	const [own, bound] = useState<Record<string, string>>(() => Object.fromEntries(Object.entries(c.quotas ?? {}).map(([k, n]) => [k, String(n)])));
	const [fault, fail] = useState<Fault | null>(null);
	const put = (k: keyof typeof v) => (e: { currentTarget: { value: string } }) => set({ ...v, [k]: e.currentTarget.value });
	const save = async (e: Event) => {
		e.preventDefault();
		const body: Record<string, unknown> = {};
		for (const k of ['name', 'email', 'time_zone'] as const) if (v[k] !== c[k]) body[k] = v[k];
		const schedules = Object.fromEntries((['normal', 'hot'] as const).filter((k) => v[k] !== (c.schedules?.[k] ?? '')).map((k) => [k, v[k] || null]));
		if (Object.keys(schedules).length) body.schedules = schedules;
		if (JSON.stringify(sites) !== JSON.stringify(c.locations ?? [])) body.locations = sites;
		const quotas = Object.fromEntries((c.use ?? []).map((u) => u.quota).filter((k) => (own[k] ?? '') !== String(c.quotas?.[k] ?? '')).map((k) => [k, own[k]?.trim() ? Number(own[k]) : null]));
		if (Object.keys(quotas).length) body.quotas = quotas;
		const wrong = Object.entries(quotas).find(([, n]) => Number.isNaN(n));
		if (wrong) return fail(new Fault(400, `“${own[wrong[0]]}” is not a number`, 'quotas.' + wrong[0]));
		try {
			if (Object.keys(body).length) await call('PATCH', '/v1/customers/' + encodeURIComponent(c.id), body);
			done();
		} catch (e) {
			fail(e as Fault);
		}
	};
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
						<Field key={u.quota} label={quotaName(u.quota)} name={'quotas.' + u.quota} fault={fault}><input inputMode="decimal" value={own[u.quota] ?? ''} onInput={(e) => bound({ ...own, [u.quota]: e.currentTarget.value })} placeholder={String(u.bound)} /></Field>
					))}</div>
				</>
			)}
			<p class="buttons"><button class="primary" type="submit">Save</button><button type="button" onClick={done}>Leave it</button></p>
		</form>
	);
}

/** newID names a new location: browsers make UUIDs on https and this machine only. */
const newID = (): string => crypto.randomUUID?.() ?? [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');
