import { useEffect, useState } from 'preact/hooks';
import { call, Fault } from '../api';
import type { Endpoint } from '../types';
import { pretty } from '../words';
import { bodyOf, Form } from './formvalues';

interface Preview {
	body?: string;
	body_of?: string;
}

/** How many of the last events are looked through for one to render. */
const last = 50;

/** Rendered shows, as it is typed, what a body of one's own would send: of the newest event that is wanted, or of a sample. */
export function Rendered({ v, old }: { v: Form; old?: Endpoint }) {
	const [got, set] = useState<Preview | null>(null);
	const [fault, fail] = useState<Fault | null>(null);
	const shown = v.body.trim() !== '';
	useEffect(() => {
		if (!shown) return;
		let current = true;
		const t = setTimeout(async () => {
			try {
				const made = bodyOf({ ...v, url: v.url || 'https://example.com/' }, old);
				const p = await call<Preview>('POST', '/v1/endpoints/preview', { id: old?.id, endpoint: made, last });
				if (!current) return;
				set(p);
				fail(null);
			} catch (e) {
				// Others preview too: what is there stays until there is room.
				if (current && (e as Fault).status !== 429) fail(e as Fault);
			}
		}, 400);
		return () => {
			current = false;
			clearTimeout(t);
		};
	}, [shown, v.body, v.filter, v.events, v.headers, v.profile, v.version, v.customer, v.url]);
	if (!shown) return null;
	return (
		<div class="rendered">
			{fault ? <p class="said" role="status">{fault.message}</p> : got?.body && <><p class="hint">It would send, {got.body_of ? <>of {got.body_of}</> : 'of a sample'}:</p><pre tabIndex={0}>{pretty(got.body)}</pre></>}
		</div>
	);
}
