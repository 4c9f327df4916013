import { signal } from '@preact/signals';
import { call, Fault, List, query } from './api';
import type { Endpoint } from './types';

/** The webhooks' and mailboxes' names by id: asked for as they are shown, many at once. */
const known = signal<Map<string, string>>(new Map());
const asked = new Set<string>();
let wanted = new Set<string>();
let timer = 0;

/** How many are asked for in one request, and how many are remembered. */
const atOnce = 100;
const most = 5000;

export const nameOfEndpoint = (e: Endpoint): string => e.name || e.url || e.address || e.id.slice(0, 8);

/** forgetNames has them asked for again: a webhook was added, renamed or removed. */
export function forgetNames(): void {
	asked.clear();
	known.value = new Map();
}

/** nameOf is a webhook's name, or the beginning of its id until that is known. */
export function nameOf(id: string): string {
	const name = known.value.get(id);
	if (name !== undefined) return name;
	if (!asked.has(id)) {
		asked.add(id);
		wanted.add(id);
		timer ||= window.setTimeout(ask, 20);
	}
	return id.slice(0, 8);
}

function ask(): void {
	const ids = [...wanted].slice(0, atOnce);
	wanted = new Set([...wanted].slice(atOnce));
	timer = wanted.size ? window.setTimeout(ask, 20) : 0;
	call<List<Endpoint>>('GET', '/v1/endpoints' + query({ ids: ids.join(','), limit: atOnce })).then((l) => {
		const next = known.value.size > most ? new Map<string, string>() : new Map(known.value);
		for (const e of l.items) next.set(e.id, nameOfEndpoint(e));
		known.value = next;
	}, (f: Fault) => {
		// Who may not list webhooks sees the beginnings of their ids; what may pass is asked again.
		if (f.status === 0 || f.status >= 429) for (const id of ids) asked.delete(id);
	});
}
