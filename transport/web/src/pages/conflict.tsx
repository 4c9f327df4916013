import type { Endpoint } from '../types';
import { Form, initial } from './formvalues';

const names: Record<keyof Form, string> = { name: 'Webhook Name', url: 'Endpoint URL', profile: 'Profile', version: 'Version', retries: 'Delivery retries', customer: 'Customer', events: 'Events',
	filter: 'Filter', headers: 'Custom Header', body: 'Custom Body', success: 'Counts as delivered', rate: 'Rate', concurrency: 'At once', ordered: 'In order' };

const said = (v: string | boolean): string => (v === true ? 'on' : v === false ? 'off' : v || '–');

/** Conflict shows what somebody else changed while the form was open, and asks whose is to stay. */
export function Conflict({ base, theirs, mine, settle }: { base: Endpoint; theirs: Endpoint; mine: Form; settle: (mine: boolean) => void }) {
	const was = initial(base), now = initial(theirs);
	const changed = (Object.keys(names) as (keyof Form)[]).filter((k) => now[k] !== was[k] || mine[k] !== was[k]);
	return (
		<section>
			<p class="note" role="alert">Somebody else changed this webhook while you edited it. Nothing of yours is saved yet.</p>
			<table class="differences">
				<thead><tr><th>What</th><th>Was</th><th>Theirs</th><th>Yours</th></tr></thead>
				<tbody>{changed.map((k) => (
					<tr key={k}><th scope="row">{names[k]}</th><td>{said(was[k])}</td><td class={now[k] !== was[k] ? 'differs' : ''}>{said(now[k])}</td><td class={mine[k] !== was[k] ? 'differs' : ''}>{said(mine[k])}</td></tr>
				))}</tbody>
			</table>
			{changed.length === 0 && <p class="dim">What differs is not among the fields of this form.</p>}
			<p class="buttons"><button class="primary" onClick={() => settle(true)}>Keep mine, beside theirs</button><button onClick={() => settle(false)}>Take theirs</button></p>
			<p class="hint">Either way you see the form again before anything is saved. Where both changed the same, Keep mine takes yours.</p>
		</section>
	);
}
