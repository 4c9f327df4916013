import { signal } from '@preact/signals';
import { call, List, query } from './api';
import type { Endpoint } from './types';

/** The webhooks' names by id: of the first 500 at once, of others as they are shown. */
const known = signal<Map<string, string>>(new Map());
const asked = new Set<string>();
/** Whether there are more than were loaded: then a list to choose from is searched instead. */
export const many = signal(false);
export const loaded = signal<Endpoint[]>([]);
let at = 0;

/** loadNames asks for the first 500, at most each 30 seconds. */
export function loadNames(): void {
	if (Date.now() - at < 30_000) return;
	at = Date.now();
	call<List<Endpoint>>('GET', '/v1/endpoints' + query({ limit: 500 })).then((l) => {
		many.value = !!l.next_cursor;
		loaded.value = l.items;
		known.value = new Map([...known.value, ...l.items.map((e) => [e.id, e.name || e.url] as const)]);
	}, () => (at = 0));
}

/** forgetNames has them asked for again: a webhook was added, renamed or removed. */
export function forgetNames(): void {
	at = 0;
	asked.clear();
}

/** nameOf is a webhook's name, or the beginning of its id until that is known. */
export function nameOf(id: string): string {
	loadNames();
	const name = known.value.get(id);
	if (name !== undefined) return name;
	if (many.value && !asked.has(id) && asked.size < 2000) {
		asked.add(id);
		call<Endpoint>('GET', '/v1/endpoints/' + encodeURIComponent(id)).then((e) => (known.value = new Map(known.value).set(id, e.name || e.url)), () => {});
	}
	return id.slice(0, 8);
}
