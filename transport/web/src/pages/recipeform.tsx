import { useState } from 'preact/hooks';
import { call, Fault } from '../api';
import { Field, Unplaced } from '../parts/form';
import { filled } from '../recipe';
import { operator } from '../session';
import type { Endpoint, Recipe } from '../types';
import { Tried, Verdict } from './tested';

/** RecipeForm asks for what only the user of a service knows, and makes the webhook of it. */
export function RecipeForm({ recipe, saved }: { recipe: Recipe; saved: (e: Endpoint) => void }) {
	const [v, set] = useState<Record<string, string>>({ name: recipe.title });
	const [fault, fail] = useState<Fault | null>(null);
	const [tried, tell] = useState<Tried | null>(null);
	const [busy, wait] = useState(false);
	const put = (name: string) => (e: { currentTarget: { value: string } }) => {
		set({ ...v, [name]: e.currentTarget.value });
		tell(null);
	};
	const body = () => {
		const events = (v.events ?? '').split(/\s+/).filter(Boolean);
		return { ...filled(recipe, v), name: v.name, ...(events.length ? { events } : {}), ...(v.customer ? { customer: v.customer } : {}) };
	};
	const run = (what: () => Promise<void>) => async (e?: Event) => {
		e?.preventDefault();
		wait(true);
		fail(null);
		try {
			await what();
		} catch (e) {
			fail(e as Fault);
		}
		wait(false);
	};
	const save = run(async () => saved(await call<Endpoint>('POST', '/v1/endpoints', body())));
	const test = run(async () => tell(await call<Tried>('POST', '/v1/endpoints/test', { endpoint: body() })));
	return (
		<form onSubmit={(e) => void save(e)} noValidate>
			<p>{recipe.description} <a href={recipe.reference} target="_blank" rel="noreferrer">Its documentation</a></p>
			<Unplaced fault={fault} fields={['name', 'customer', 'events', ...recipe.parameters.map((p) => 'set.' + p.name)]} />
			<Field label="Webhook Name" name="name" fault={fault}><input value={v.name} onInput={put('name')} maxLength={200} /></Field>
			{recipe.parameters.map((p, i) => (
				<Field key={p.name} label={p.description} name={'set.' + p.name} fault={fault}>
					<input type={(p.secret ? 'password' : 'text') as 'text'} autocomplete="off" autofocus={i === 0} value={v[p.name] ?? ''} onInput={put(p.name)} placeholder={p.default} />
				</Field>
			))}
			{operator.value && <Field label="Customer" name="customer" fault={fault} hint="Whose events it gets"><input value={v.customer ?? ''} onInput={put('customer')} /></Field>}
			<Field label="Events" name="events" fault={fault} hint="One pattern a line: access.> or audit.*.created; empty: all"><textarea rows={2} value={v.events ?? ''} onInput={put('events')} placeholder=">" /></Field>
			{tried && <Verdict of={tried} />}
			<p class="buttons"><button class="primary" type="submit" disabled={busy}>Save</button><button type="button" disabled={busy} onClick={() => void test()}>Test before saving</button></p>
		</form>
	);
}
