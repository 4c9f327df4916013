import { useEffect, useState } from 'preact/hooks';
import { call, List, query } from '../api';
import { nameOf, nameOfEndpoint } from '../names';
import type { Endpoint } from '../types';

/** How many there may be in a list to choose from; of more one is looked for by its name. */
const most = 50;

/** PickWebhook chooses one: from a list, or, where there are many, by its name, its URL or its id. */
export function PickWebhook({ value, pick, any = 'Any webhook', label = 'Webhook' }: { value: string; pick: (id: string) => void; any?: string; label?: string }) {
	const [all, set] = useState<List<Endpoint> | null>(null);
	useEffect(() => void call<List<Endpoint>>('GET', '/v1/endpoints' + query({ limit: most })).then(set, () => {}), []);
	if (all?.next_cursor) return <Search value={value} pick={pick} any={any} label={label} />;
	const known = all?.items ?? [];
	return (
		<select aria-label={label} value={value} onChange={(e) => pick(e.currentTarget.value)}>
			<option value="">{any}</option>
			{known.map((e) => <option key={e.id} value={e.id}>{nameOfEndpoint(e)}</option>)}
			{value && !known.some((e) => e.id === value) && <option value={value}>{nameOf(value)}{all && ' (removed)'}</option>}
		</select>
	);
}

function Search({ value, pick, any, label }: { value: string; pick: (id: string) => void; any: string; label: string }) {
	const [text, type] = useState('');
	const [found, set] = useState<Endpoint[]>([]);
	useEffect(() => {
		if (!text) return set([]);
		const t = setTimeout(() => call<List<Endpoint>>('GET', '/v1/endpoints' + query({ q: text, limit: 20 })).then((l) => set(l.items), () => set([])), 200);
		return () => clearTimeout(t);
	}, [text]);
	if (value) return <span class="picked"><span class="clip">{nameOf(value)}</span> <button class="quiet" aria-label={any} onClick={() => pick('')}>✕</button></span>;
	const choose = (e: { currentTarget: { value: string } }) => {
		const one = found.find((f) => f.id === e.currentTarget.value || nameOfEndpoint(f) === e.currentTarget.value);
		if (one) pick(one.id);
		else type(e.currentTarget.value);
	};
	return (
		<>
			<input type="search" list="webhooks-found" aria-label={label} placeholder={any} value={text} onInput={choose} onChange={choose} />
			<datalist id="webhooks-found">{found.map((e) => <option key={e.id} value={nameOfEndpoint(e)}>{e.url}</option>)}</datalist>
		</>
	);
}
