import { Fault, readJSON } from '../api';
import type { Endpoint } from '../types';

/** The fields of the form that the API may find wrong. */
export const fields = ['name', 'url', 'version', 'profile', 'customer', 'events', 'filter', 'headers', 'body', 'delivery.success', 'delivery.rate', 'delivery.concurrency'];

/** Those under More: it opens where one of them is wrong. */
export const more = fields.slice(fields.indexOf('events'));

/** What the form's fields hold. */
export type Form = ReturnType<typeof initial>;

export function initial(e?: Endpoint) {
	return {
		name: e?.name ?? '', url: e?.url ?? '', profile: e?.profile ?? 'standard', version: e?.version ?? '', retries: e?.delivery.retries ?? true, customer: e?.customer ?? '',
		events: e?.events.join('\n') ?? '', filter: e?.filter ?? '', headers: '', body: e?.body === undefined ? '' : JSON.stringify(e.body, null, 2),
		success: e?.delivery.success ?? '', rate: e?.delivery.rate ? String(e.delivery.rate) : '', concurrency: e ? String(e.delivery.concurrency) : '', ordered: e?.delivery.ordered ?? false,
	};
}

/** bodyOf is what the form says as the API takes it: of a change, what differs. Throws Fault. */
export function bodyOf(v: Form, old?: Endpoint): Record<string, unknown> {
	const was = old && initial(old);
	const body: Record<string, unknown> = {};
	const delivery: Record<string, unknown> = {};
	const differs = (k: keyof Form) => (was ? v[k] !== was[k] : v[k] !== '');
	for (const k of ['name', 'url', 'profile', 'version', 'filter', 'customer'] as const) if (differs(k)) body[k] = v[k];
	if (differs('events')) body.events = v.events.split(/\s+/).filter(Boolean);
	if (v.headers.trim()) body.headers = Object.fromEntries(v.headers.split('\n').filter((l) => l.includes(':')).map((l) => [l.slice(0, l.indexOf(':')).trim(), l.slice(l.indexOf(':') + 1).trim()]));
	if (differs('body')) body.body = v.body.trim() === '' ? null : parsed(v.body);
	if (!was || v.retries !== was.retries) delivery.retries = v.retries;
	if (differs('success')) delivery.success = v.success || null;
	if (differs('rate')) delivery.rate = numbered('delivery.rate', v.rate || '0');
	if (differs('concurrency') && v.concurrency) delivery.concurrency = numbered('delivery.concurrency', v.concurrency);
	if (was ? v.ordered !== was.ordered : v.ordered) delivery.ordered = v.ordered;
	if (Object.keys(delivery).length > 0) body.delivery = delivery;
	return body;
}

export const names: Record<keyof Form, string> = { name: 'Webhook Name', url: 'Endpoint URL', profile: 'Profile', version: 'Version', retries: 'Delivery retries', customer: 'Customer', events: 'Events',
	filter: 'Filter', headers: 'Custom Header', body: 'Custom Body', success: 'Counts as delivered', rate: 'Rate', concurrency: 'At once', ordered: 'In order' };

/** said is a value in words; values that say the same are the same. */
export const said = (v: string | boolean): string => (v === true ? 'on' : v === false ? 'off' : v);

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
