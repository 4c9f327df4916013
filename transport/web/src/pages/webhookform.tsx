import { useState } from 'preact/hooks';
import { answer, call, Fault, readJSON } from '../api';
import { Field, Unplaced } from '../parts/form';
import { Copy } from '../parts/shell';
import { may, operator } from '../session';
import type { Endpoint } from '../types';
import { TrialPane } from './trial';

const fields = ['name', 'url', 'version', 'profile', 'customer', 'events', 'filter', 'headers', 'body', 'delivery.rate', 'delivery.concurrency', 'delivery.timeout', 'delivery.success', 'secret'];

interface Tried {
	success: boolean;
	request?: { url?: string; headers?: Record<string, string>; body?: string };
	answer: { status: number; reason: string; detail: string; body?: string };
	timings: { total_ms: number };
}

/** Fields that are under More: it opens where one of them is wrong. */
const more = fields.slice(fields.indexOf('events'), fields.indexOf('secret'));

/** WebhookForm adds a webhook, or changes one: the four fields of the dashboard first, the rest under More. */
export function WebhookForm({ endpoint, etag, saved }: { endpoint?: Endpoint; etag?: string; saved: (e: Endpoint) => void }) {
	const [v, set] = useState(() => initial(endpoint));
	const [fault, fail] = useState<Fault | null>(null);
	const [busy, wait] = useState(false);
	const [tried, tell] = useState<Tried | null>(null);
	const [made, keep] = useState<Endpoint | null>(null);
	const put = (name: keyof typeof v) => (e: { currentTarget: { value: string } }) => set({ ...v, [name]: e.currentTarget.value });
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
		const body = bodyOf(v, endpoint);
		const got = endpoint
			? await answer<Endpoint>('PATCH', '/v1/endpoints/' + endpoint.id, body, etag ? { 'If-Match': etag } : {})
			: await answer<Endpoint>('POST', '/v1/endpoints', body);
		if (got.body.secret) keep(got.body);
		else saved(got.body);
	});
	const test = run(async () => tell(await call<Tried>('POST', '/v1/endpoints/test', { endpoint: bodyOf(v) })));
	if (made)
		return (
			<div>
				<p>Added. This is its key; receivers verify the signature with it. It is shown on <b>Reveal Key</b> later.</p>
				<Copy label="Key" text={made.secret!} />
				{made.warnings?.map((w) => <p class="hint" key={w}>{w}</p>)}
				<p><button class="primary" onClick={() => saved(made)}>Done</button></p>
			</div>
		);
	const genea = v.profile === 'genea';
	return (
		<form onSubmit={(e) => void save(e)}>
			<Unplaced fault={fault} fields={fields} />
			{fault?.status === 412 && <p class="wrong" role="alert">Somebody else changed it meanwhile. Close, look at it, and change it again.</p>}
			<Field label="Webhook Name" name="name" fault={fault}><input value={v.name} onInput={put('name')} maxLength={200} autofocus /></Field>
			<Field label="Endpoint URL" name="url" fault={fault} hint="https, with a valid certificate"><input type="url" required value={v.url} onInput={put('url')} maxLength={2083} placeholder="https://" /></Field>
			<Field label="Profile" name="profile" fault={fault} hint={profiles[v.profile]}>
				<select value={v.profile} onChange={put('profile')}>
					<option value="standard">Standard Webhooks</option>
					<option value="genlogs">GenLogs alerts</option>
					{may('admin') && <option value="genea">Genea access control</option>}
					<option value="custom">Custom</option>
				</select>
			</Field>
			{genea && (
				<Field label="Version" name="version" fault={fault} hint={<table class="versions"><thead><tr><th>Version</th><th>Hardware</th></tr></thead><tbody><tr><td>v1</td><td>VertX</td></tr><tr><td>v2</td><td>Mercury</td></tr><tr><td>v3</td><td>Mercury and VertX: for locations of both kinds</td></tr></tbody></table>}>
					<select value={v.version} onChange={put('version')}><option value="">by the locations' hardware</option><option>v1</option><option>v2</option><option>v3</option></select>
				</Field>
			)}
			<label class="check"><input type="checkbox" checked={v.retries} onChange={(e) => set({ ...v, retries: e.currentTarget.checked })} /> Delivery retries <span class="hint">{genea ? '200 only; 3 × 10 s' : 'by the schedule of the profile'}</span></label>
			{operator.value && !endpoint && <Field label="Customer" name="customer" fault={fault} hint="Whose events it gets"><input required value={v.customer} onInput={put('customer')} /></Field>}
			<details open={more.includes(fault?.field ?? '') || undefined}>
				<summary>More</summary>
				<Field label="Events" name="events" fault={fault} hint="One pattern a line: access.> or audit.*.created"><textarea rows={3} value={v.events} onInput={put('events')} placeholder={genea ? '' : '>'} /></Field>
				<Field label="Filter" name="filter" fault={fault} hint="A CEL expression, such as event.data.door.name == 'Main'"><input class="code" value={v.filter} onInput={put('filter')} /></Field>
				<Field label="Custom Header" name="headers" fault={fault} hint="One a line: DD-API-KEY: 0123. Values are not shown again"><textarea rows={2} value={v.headers} onInput={put('headers')} placeholder={endpoint?.headers ? Object.keys(endpoint.headers).join(', ') + ' stay' : ''} /></Field>
				<Field label="Custom Body" name="body" fault={fault} hint="JSON with ${CEL} in its strings"><textarea rows={4} class="code" value={v.body} onInput={put('body')} /></Field>
				<TrialPane id={endpoint?.id} change={() => bodyOf(v, endpoint)} failed={fail} />
				<Field label="Rate" name="delivery.rate" fault={fault} hint="Deliveries a second; empty: no limit"><input inputMode="decimal" value={v.rate} onInput={put('rate')} /></Field>
				<Field label="At once" name="delivery.concurrency" fault={fault} hint="1 to 256"><input inputMode="numeric" value={v.concurrency} onInput={put('concurrency')} /></Field>
				<label class="check"><input type="checkbox" checked={v.ordered} onChange={(e) => set({ ...v, ordered: e.currentTarget.checked })} /> In order, one at a time</label>
			</details>
			{tried && <p class={tried.success ? 'good' : 'wrong'} role="status">{tried.success ? `Accepted: ${tried.answer.status} in ${Math.round(tried.timings.total_ms)} ms` : `Not accepted: ${[tried.answer.status || '', tried.answer.reason, tried.answer.detail].filter(Boolean).join(' ')}`}</p>}
			<p class="buttons"><button class="primary" type="submit" disabled={busy}>Save</button>{!endpoint && <button type="button" disabled={busy || !v.url} onClick={() => void test()}>Test before saving</button>}</p>
		</form>
	);
}

const profiles: Record<string, string> = {
	standard: 'webhook-id, webhook-timestamp, webhook-signature; delivered is any 2xx',
	genlogs: 'X-GenLogs-Signature: sha512=…; alerts with all their matches; delivered is any 2xx',
	genea: 'X-Sequr-Signature: sha1=…; delivered is 200 alone',
	custom: 'your own header, body and rules, under More',
};

function initial(e?: Endpoint) {
	return {
		name: e?.name ?? '', url: e?.url ?? '', profile: e?.profile ?? 'standard', version: e?.version ?? '', retries: e?.delivery.retries ?? true, customer: e?.customer ?? '',
		events: e?.events.join('\n') ?? '', filter: e?.filter ?? '', headers: '', body: e?.body === undefined ? '' : JSON.stringify(e.body, null, 2),
		rate: e?.delivery.rate ? String(e.delivery.rate) : '', concurrency: e ? String(e.delivery.concurrency) : '', ordered: e?.delivery.ordered ?? false,
	};
}

/** bodyOf is what the form says as the API takes it: of a change, what differs. */
function bodyOf(v: ReturnType<typeof initial>, old?: Endpoint): Record<string, unknown> {
	const was = old && initial(old);
	const body: Record<string, unknown> = {};
	const delivery: Record<string, unknown> = {};
	const differs = (k: keyof typeof v) => (was ? v[k] !== was[k] : v[k] !== '');
	for (const k of ['name', 'url', 'profile', 'version', 'filter', 'customer'] as const) if (differs(k)) body[k] = v[k];
	if (differs('events')) body.events = v.events.split(/\s+/).filter(Boolean);
	if (v.headers.trim()) body.headers = Object.fromEntries(v.headers.split('\n').filter((l) => l.includes(':')).map((l) => [l.slice(0, l.indexOf(':')).trim(), l.slice(l.indexOf(':') + 1).trim()]));
	if (differs('body')) body.body = v.body.trim() === '' ? null : parsed(v.body);
	if (!was || v.retries !== was.retries) delivery.retries = v.retries;
	if (differs('rate')) delivery.rate = numbered('delivery.rate', v.rate || '0');
	if (differs('concurrency') && v.concurrency) delivery.concurrency = numbered('delivery.concurrency', v.concurrency);
	if (was ? v.ordered !== was.ordered : v.ordered) delivery.ordered = v.ordered;
	if (Object.keys(delivery).length > 0) body.delivery = delivery;
	return body;
}

function parsed(text: string): unknown {
	try {
		return readJSON(text);
	} catch (e) {
		throw new Fault(400, `Not JSON: ${(e as Error).message}`, 'body');
	}
}

function numbered(field: string, text: string): number {
	const n = Number(text);
	if (!Number.isFinite(n)) throw new Fault(400, `“${text}” is not a number`, field);
	return n;
}
