import { signal } from '@preact/signals';
import { useLocation } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';
import { call, List, query } from '../api';
import { ui } from '../settings';
import type { Endpoint } from '../types';
import { Dialog } from './dialog';
import { placesOf } from './shell';

export const paletteOpen = signal(false);

interface Entry {
	name: string;
	hint: string;
	path: string;
}

/** Palette goes to a page, a webhook, or the deliveries of an event by its id. */
export function Palette() {
	const { route } = useLocation();
	const [text, type] = useState('');
	const [at, move] = useState(0);
	const [hooks, set] = useState<Endpoint[]>([]);
	const shown = paletteOpen.value;
	useEffect(() => {
		if (!shown) return;
		type('');
		move(0);
	}, [shown]);
	// The node looks for webhooks: there may be thousands.
	useEffect(() => {
		if (!shown) return;
		const t = setTimeout(() => call<List<Endpoint>>('GET', '/v1/endpoints' + query({ q: text.trim(), sort: 'trouble', limit: 20 })).then((l) => set(l.items), () => set([])), text ? 150 : 0);
		return () => clearTimeout(t);
	}, [shown, text]);
	const all: Entry[] = [
		...placesOf().map((p) => ({ name: p.name, hint: 'page', path: p.path })),
		...hooks.map((h) => ({ name: h.name || h.url, hint: h.url, path: '/webhooks/' + h.id })),
	];
	const words = text.toLowerCase().split(/\s+/).filter(Boolean);
	const found = all.filter((e) => words.every((w) => (e.name + ' ' + e.hint).toLowerCase().includes(w))).slice(0, 12);
	if (text.trim()) found.push({ name: `Deliveries of event “${text.trim()}”`, hint: 'by its id', path: '/deliveries?event=' + encodeURIComponent(text.trim()) });
	const go = (e: Entry | undefined) => {
		if (!e) return;
		paletteOpen.value = false;
		route(ui(e.path));
	};
	const key = (e: KeyboardEvent) => {
		if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
			e.preventDefault();
			move((n) => Math.min(found.length - 1, Math.max(0, n + (e.key === 'ArrowDown' ? 1 : -1))));
		} else if (e.key === 'Enter') go(found[at]);
	};
	return (
		<Dialog open={paletteOpen} title="Go to">
			<input class="full" autofocus role="combobox" aria-expanded="true" aria-controls="found" aria-activedescendant={`found-${at}`} aria-label="Page, webhook or event id"
				placeholder="Page, webhook or event id" value={text} onInput={(e) => { type(e.currentTarget.value); move(0); }} onKeyDown={key} />
			<ul id="found" class="found" role="listbox">
				{found.map((e, i) => (
					<li key={e.path} id={`found-${i}`} role="option" aria-selected={i === at} onClick={() => go(e)}>
						<span>{e.name}</span><span class="dim">{e.hint}</span>
					</li>
				))}
			</ul>
		</Dialog>
	);
}
