import { readJSON } from './api';

/** Times in the viewer's zone; the exact one is shown on hover. */
export function ago(text: string | undefined, now = Date.now()): string {
	if (!text) return '–';
	const s = Math.round((now - Date.parse(text)) / 1000);
	const future = s < 0;
	const n = Math.abs(s);
	const words = n < 60 ? `${n} s` : n < 3600 ? `${Math.round(n / 60)} min` : n < 86400 ? `${Math.round(n / 3600)} h` : `${Math.round(n / 86400)} d`;
	return future ? `in ${words}` : `${words} ago`;
}

// To make a format costs some hundred times what it costs to use one, and lists have a hundred times in them.
const clockFormat = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: 'numeric', second: 'numeric', hour12: false });
const exactFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });

const hourFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hour12: false });
const dayFormat = new Intl.DateTimeFormat(undefined, { weekday: 'short', hour: '2-digit', minute: '2-digit', hour12: false });
const countFormat = new Intl.NumberFormat('en-US');

export const clock = (text: string | Date): string => clockFormat.format(new Date(text));

/** hour is a time of the last day, to the minute. */
export const hour = (t: Date): string => hourFormat.format(t);

/** dayHour is hour with its weekday. */
export const dayHour = (t: Date): string => dayFormat.format(t);

export const exact = (text: string): string => exactFormat.format(new Date(text));

export const count = (n: number | undefined): string => countFormat.format(n ?? 0);

export const plural = (n: number, one: string, many = one + 's'): string => `${count(n)} ${n === 1 ? one : many}`;

/** A duration as the API writes it (1m0s) as people do. */
export const span = (text: string): string => text.replace(/m0s$/, 'm').replace(/h0m$/, 'h');

/** pretty breaks JSON into lines; its numbers stay as they were sent. */
export function pretty(text: string): string {
	try {
		return JSON.stringify(readJSON(text), null, 2);
	} catch {
		return text;
	}
}

/** What each reason means, in words for people. */
export const reasons: Record<string, string> = {
	retries_exhausted: 'every attempt failed',
	endpoint_removed: 'the webhook was removed',
	endpoint_disabled: 'the webhook was disabled',
	backlog_full: 'too much waited for it',
	expired: 'older than max_age',
	duplicate: 'an event with the same id came before',
	version_does_not_cover_hardware: 'the version does not cover the hardware',
	address_refused: 'the address is not public',
	timeout: 'no answer in time',
	connect: 'could not connect',
	tls: 'the certificate is not valid',
	status: 'answered with another status',
	redirect: 'redirects are not followed',
	gone: 'answered 410 Gone',
	retries_off: 'the first attempt failed, and this webhook does not retry',
	dns: 'the name has no address',
	protocol: 'what came back is no HTTP',
	proxy: 'the proxy did not connect',
	relay: 'the mail relay refused it',
	local: 'this node could not send it',
	aborted: 'this node was ending',
	not_json: 'the event is not JSON',
	bad_subject: 'the subject names no customer and type',
	bad_cloudevent: 'the CloudEvents attributes are wrong',
	bad_id: 'the event’s id is wrong',
	payload_gone: 'the event is no longer kept',
	not_readable: 'the event cannot be read',
	unrenderable: 'the body could not be made from the event',
	no_matches: 'nothing matched',
	filter_cost: 'the filter costs too much on this event',
	panic: 'a fault of Postrider’s own; its log has more',
};

export const because = (reason: string): string => (reason && reasons[reason] ? `${reason}: ${reasons[reason]}` : reason);

/** sentence begins and ends as one. */
export const sentence = (text: string): string => (text ? text[0]!.toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.') : '');

/** seconds reads a duration as the API writes it, such as 1h15m0s. */
export function seconds(text: string): number {
	const unit: Record<string, number> = { h: 3600, m: 60, s: 1, ms: 0.001 };
	return [...text.matchAll(/([\d.]+)(ms|h|m|s)/g)].reduce((n, [, value, u]) => n + Number(value) * unit[u!]!, 0);
}

/** size is a number of bytes as people read it. */
export function size(n: number): string {
	const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
	const at = n > 0 ? Math.min(units.length - 1, Math.floor(Math.log2(n) / 10)) : 0;
	const v = n / 1024 ** at;
	return `${at > 0 && v < 10 ? v.toFixed(1) : Math.round(v)} ${units[at]}`;
}
