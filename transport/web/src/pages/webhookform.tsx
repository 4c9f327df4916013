import { useEffect, useState } from 'preact/hooks';
import { answer, call, Fault, List } from '../api';
import { useLoad } from '../load';
import { Field, Unplaced } from '../parts/form';
import { of as recipeOf } from '../recipe';
import { may, operator, session } from '../session';
import { settings } from '../settings';
import type { Customer, Endpoint, Recipe } from '../types';
import { both, Conflict, differing } from './conflict';
import { bodyOf, fields, Form, initial, more, names, said } from './formvalues';
import { Rendered } from './rendered';
import { Tried, Verdict } from './tested';
import { TrialPane } from './trial';

/** WebhookForm adds a webhook, or changes one: the four fields of the dashboard first, the rest behind them. */
export function WebhookForm({ endpoint, etag, saved }: { endpoint?: Endpoint; etag?: string; saved: (e: Endpoint) => void }) {
	// What is edited is what was there when the form was opened, whatever the page behind it learns.
	const [base, rebase] = useState<{ e?: Endpoint; etag?: string }>({ e: endpoint, etag });
	const [v, set] = useState<Form>(() => initial(endpoint));
	const [touched, touch] = useState(false);
	const [fault, fail] = useState<Fault | null>(null);
	const [busy, wait] = useState(false);
	const [tried, tell] = useState<Tried | null>(null);
	const [theirs, learn] = useState<{ e: Endpoint; etag: string } | null>(null);
	const customer = useCustomer(base.e?.customer ?? session.value?.customer ?? v.customer);
	const recipes = useLoad<List<Recipe>>('/v1/recipes');
	const put = (name: keyof Form) => (e: { currentTarget: { value: string } }) => {
		if (name === 'profile') touch(true);
		set({ ...v, [name]: e.currentTarget.value });
	};
	// Whoever has doors and controllers gets their events in Genea's form, unless something else was chosen.
	useEffect(() => {
		if (!base.e && !touched && may('admin') && customer?.locations?.length) set((old) => ({ ...old, profile: 'genea' }));
	}, [customer]);
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
	const save = run(async () => {
		try {
			const got = base.e
				? await answer<Endpoint>('PATCH', '/v1/endpoints/' + base.e.id, bodyOf(v, base.e), base.etag ? { 'If-Match': base.etag } : {})
				: await answer<Endpoint>('POST', '/v1/endpoints', bodyOf(v));
			saved(got.body);
		} catch (e) {
			if (!base.e || (e as Fault).status !== 412) throw e;
			const now = await answer<Endpoint>('GET', '/v1/endpoints/' + base.e.id);
			learn({ e: now.body, etag: now.etag });
		}
	});
	const test = run(async () => tell(await call<Tried>('POST', base.e ? `/v1/endpoints/${base.e.id}/test` : '/v1/endpoints/test', { endpoint: bodyOf(v, base.e) })));
	if (theirs) {
		const [was, now] = [initial(base.e), initial(theirs.e)];
		return <Conflict what="webhook" differs={differing(names, was, now, v, said)} settle={(mine) => {
			set(mine ? both(v, was, now, said) : now);
			rebase(theirs);
			learn(null);
		}} />;
	}
	const genea = v.profile === 'genea';
	return (
		<form onSubmit={(e) => void save(e)}>
			<Unplaced fault={fault} fields={fields} />
			<Field label="Webhook Name" name="name" fault={fault}><input value={v.name} onInput={put('name')} maxLength={200} autofocus /></Field>
			<Field label="Endpoint URL" name="url" fault={fault} says={faultOfURL(v.url)} hint="https, with a valid certificate"><input type="url" required value={v.url} onInput={put('url')} maxLength={2083} placeholder="https://" /></Field>
			{genea && <Version v={v} put={put('version')} fault={fault} customer={customer} />}
			<label class="check"><input type="checkbox" checked={v.retries} onChange={(e) => set({ ...v, retries: e.currentTarget.checked })} /> Delivery retries <span class="hint">{genea ? '200 only; 3 × 10 s' : 'by the schedule of the profile'}</span></label>
			<Field label="Profile" name="profile" fault={fault} hint={profiles[v.profile]}>
				<select value={v.profile} onChange={put('profile')}>
					<option value="standard">Standard Webhooks</option>
					<option value="genlogs">GenLogs alerts</option>
					{may('admin') && <option value="genea">Genea access control</option>}
					<option value="custom">Custom</option>
				</select>
			</Field>
			{operator.value && !base.e && <Field label="Customer" name="customer" fault={fault} hint="Whose events it gets"><input required value={v.customer} onInput={put('customer')} /></Field>}
			<Unanswered v={v} recipe={recipeOf(recipes.data?.items ?? [], v.url)} change={() => set({ ...v, success: '2xx' })} />
			<details open={more.includes(fault?.field ?? '') || undefined}>
				<summary>More</summary>
				<Field label="Events" name="events" fault={fault} hint="One pattern a line: access.> or audit.*.created"><textarea rows={3} value={v.events} onInput={put('events')} placeholder={genea ? '' : '>'} /></Field>
				<Field label="Filter" name="filter" fault={fault} hint="A CEL expression, such as event.data.door.name == 'Main'"><input class="code" value={v.filter} onInput={put('filter')} /></Field>
				<Field label="Custom Header" name="headers" fault={fault} hint="One a line: DD-API-KEY: 0123. Values are not shown again"><textarea rows={2} value={v.headers} onInput={put('headers')} placeholder={base.e?.headers ? Object.keys(base.e.headers).join(', ') + ' stay' : ''} /></Field>
				<Field label="Custom Body" name="body" fault={fault} hint="JSON with ${CEL} in its strings"><textarea rows={4} class="code" value={v.body} onInput={put('body')} /></Field>
				<Rendered v={v} old={base.e} />
				<TrialPane id={base.e?.id} change={() => bodyOf(v, base.e)} failed={fail} />
				<Field label="Counts as delivered" name="delivery.success" fault={fault}>
					<select value={v.success} onChange={put('success')}><option value="">as the profile has it: {genea ? '200 only' : 'any 2xx'}</option><option value="200">200 only</option><option value="2xx">any 2xx</option></select>
				</Field>
				<Field label="Rate" name="delivery.rate" fault={fault} hint="Deliveries a second; empty: no limit"><input inputMode="decimal" value={v.rate} onInput={put('rate')} /></Field>
				<Field label="At once" name="delivery.concurrency" fault={fault} hint="1 to 256"><input inputMode="numeric" value={v.concurrency} onInput={put('concurrency')} /></Field>
				<label class="check"><input type="checkbox" checked={v.ordered} onChange={(e) => set({ ...v, ordered: e.currentTarget.checked })} /> In order, one at a time</label>
			</details>
			{tried && <Verdict of={tried} />}
			<p class="buttons"><button class="primary" type="submit" disabled={busy}>Save</button><button type="button" disabled={busy || !v.url} onClick={() => void test()}>Test before saving</button></p>
		</form>
	);
}

const profiles: Record<string, string> = {
	standard: 'webhook-id, webhook-timestamp, webhook-signature; delivered is any 2xx',
	genlogs: 'X-GenLogs-Signature: sha512=…; alerts with all their matches; delivered is any 2xx',
	genea: 'X-Sequr-Signature: sha1=…; delivered is 200 alone',
	custom: 'your own header, body and rules, under More',
};

/** faultOfURL is what is wrong with a URL as it is typed, in the API's words; "": nothing yet. */
function faultOfURL(url: string): string {
	if (url.includes('#')) return 'has a fragment (#…), which is never sent; leave it out';
	if (/^http:\/\//i.test(url) && !settings.dev) return 'http is not encrypted; give an https URL';
	if (url.length > 7 && !/^https?:\/\//i.test(url)) return 'not an https URL; give one such as https://example.com/hook';
	return '';
}

/** useCustomer is a customer by its id, as it is typed; undefined where there is none. */
function useCustomer(id: string): Customer | undefined {
	const [got, set] = useState<Customer | undefined>();
	useEffect(() => {
		if (!/^[\w-]{1,64}$/.test(id)) return set(undefined);
		const t = setTimeout(() => call<List<Customer>>('GET', '/v1/customers?limit=50&q=' + encodeURIComponent(id)).then((l) => set(l.items.find((c) => c.id === id)), () => set(undefined)), 200);
		return () => clearTimeout(t);
	}, [id]);
	return got;
}

const kinds: Record<string, string> = { vertx: 'VertX', mercury: 'Mercury' };

/** Version chooses a payload; where locations mix hardware there is one that covers both. */
function Version({ v, put, fault, customer }: { v: Form; put: (e: { currentTarget: { value: string } }) => void; fault: Fault | null; customer?: Customer }) {
	const one = (hardware: string) => customer?.locations?.find((l) => l.hardware === hardware);
	const [vertx, mercury] = [one('vertx'), one('mercury')];
	const mixed = vertx && mercury;
	const table = (
		<>
			{mixed && <span class="warn">{vertx.name || vertx.uuid} has {kinds.vertx}, {mercury.name || mercury.uuid} has {kinds.mercury}: v3 alone covers both.</span>}
			<table class="versions">
				<thead><tr><th>Version</th><th>Hardware</th><th>Event Supported</th></tr></thead>
				<tbody>
					<tr><td>v1</td><td>VertX</td><td>All ACCESS and AUDIT events</td></tr>
					<tr><td>v2</td><td>Mercury</td><td>All ACCESS and AUDIT events</td></tr>
					<tr><td>v3</td><td>Mercury &amp; VertX</td><td>All, with the latest payload; for locations of both kinds</td></tr>
				</tbody>
			</table>
		</>
	);
	return (
		<Field label="Version" name="version" fault={fault} hint={table}>
			<select value={v.version} onChange={put}>
				<option value="">{mixed ? 'v3, as the locations need' : 'by the locations’ hardware'}</option>
				<option disabled={!!mixed}>v1</option><option disabled={!!mixed}>v2</option><option>v3</option>
			</select>
		</Field>
	);
}

/** Unanswered warns where a service answers otherwise than what counts as delivered. */
function Unanswered({ v, recipe, change }: { v: Form; recipe?: Recipe; change: () => void }) {
	const success = v.success || (v.profile === 'genea' ? '200' : '2xx');
	if (!recipe || success !== '200' || recipe.answers === 200) return null;
	return <p class="note" role="status">{recipe.title} answers {recipe.answers} to what it takes, which would count as a failure and be sent again. <button type="button" onClick={change}>Count any 2xx</button></p>;
}
