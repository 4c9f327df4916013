import { signal } from '@preact/signals';
import { settings } from './settings';

/** An answer that is no success, in the API's words. */
export class Fault extends Error {
	constructor(
		readonly status: number,
		message: string,
		/** The field that is wrong, where one is. */
		readonly field = '',
		/** Seconds until trying again makes sense; 0: unknown. */
		readonly retryAfter = 0,
	) {
		super(message);
	}
}

/** Set while the node cannot be reached or is not ready: what is shown is of that time. */
export const away = signal<{ why: string; since: Date } | null>(null);
/** Set once the API has answered 401: nobody is signed in any more. */
export const signedOut = signal(false);

interface ErrorBody {
	message?: string;
	detail?: unknown;
	details?: { field?: string };
}

/** One request to the API; the session's cookie says who asks. Throws Fault. */
export async function call<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
	return (await answer<T>(method, path, body, headers)).body;
}

/** call, with the ETag of what was answered. */
export async function answer<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<{ body: T; etag: string }> {
	const init: RequestInit = { method, headers: { Accept: 'application/json', ...headers }, credentials: 'same-origin', cache: 'no-store' };
	if (body !== undefined) {
		init.body = JSON.stringify(body);
		(init.headers as Record<string, string>)['Content-Type'] = 'application/json';
	}
	let response: Response;
	try {
		response = await fetch(settings.base + path, init);
	} catch {
		away.value ??= { why: 'the node does not answer', since: new Date() };
		throw new Fault(0, 'The node does not answer; what is shown may be out of date');
	}
	const text = await response.text();
	if (response.ok) {
		away.value = null;
		return { body: (text ? readJSON(text) : undefined) as T, etag: response.headers.get('ETag') ?? '' };
	}
	const fault = faultOf(response, text);
	if (fault.status === 503) away.value ??= { why: fault.message, since: new Date() };
	if (fault.status === 401 && !path.startsWith('/v1/session')) signedOut.value = true;
	throw fault;
}

function faultOf(response: Response, text: string): Fault {
	let body: ErrorBody = {};
	try {
		body = JSON.parse(text);
	} catch {
		// an answer of something before the node, which speaks no JSON
	}
	const words = body.message ?? (typeof body.detail === 'string' ? body.detail : `${response.status} ${response.statusText}`);
	return new Fault(response.status, words, body.details?.field ?? '', Number(response.headers.get('Retry-After') ?? 0));
}

/** JSON as it was sent: a number that JavaScript would round is written again, by JSON.stringify, with all of its digits. */
export function readJSON(text: string): unknown {
	const raw = (JSON as { rawJSON?: (source: string) => unknown }).rawJSON ?? ((source: string) => source);
	const exact = (_: string, value: unknown, context?: { source?: string }) =>
		typeof value === 'number' && context?.source && String(value) !== context.source ? raw(context.source) : value;
	return JSON.parse(text, exact as (key: string, value: unknown) => unknown);
}

/** A page of a list. */
export interface List<T> {
	items: T[];
	next_cursor?: string;
}

/** The query of a list: what is empty is left out. */
export function query(values: Record<string, string | number | undefined>): string {
	const q = new URLSearchParams();
	for (const [name, value] of Object.entries(values)) if (value !== undefined && value !== '') q.set(name, String(value));
	const text = q.toString();
	return text ? '?' + text : '';
}

/** The same request as a command line of curl, for people who write programs. */
export function curlOf(method: string, path: string, body?: unknown): string {
	const lines = [`curl -s${method === 'GET' ? '' : ' -X ' + method} '${location.origin}${settings.base}${path}'`, `-H "Authorization: Bearer $POSTRIDER_TOKEN"`];
	if (body !== undefined) lines.push(`-H 'Content-Type: application/json'`, `-d '${JSON.stringify(body).replaceAll("'", `'\\''`)}'`);
	return lines.join(' \\\n  ');
}
