import { useState } from 'preact/hooks';
import { call, Fault } from '../api';
import { Act } from '../parts/form';
import { Rows, When, Wrong } from '../parts/list';
import { may } from '../session';
import { because, count, plural, pretty } from '../words';

interface Trial {
	events: number;
	wanted: number;
	type: number;
	filter: number;
	skipped: number;
	failed: number;
	from?: string;
	items: { id: string; type: string; time: string; verdict: string; detail: string }[];
	body?: string;
	body_of?: string;
	complete: boolean;
}

const verdicts: [keyof Trial & ('wanted' | 'filter' | 'type' | 'skipped' | 'failed'), string, string][] = [
	['wanted', 'would be sent', 'delivered'], ['filter', 'left out by the filter', 'skipped'], ['type', 'of other types', 'skipped'], ['skipped', 'without a form for it', 'waiting'], ['failed', 'cannot be rendered', 'dead_lettered']];

/** TrialPane tries a webhook, as it is or as it would be changed, on the customer's last 500 events. change throws Fault. */
export function TrialPane({ id, change, failed }: { id?: string; change: Record<string, unknown> | (() => Record<string, unknown>); failed?: (f: Fault) => void }) {
	const [got, set] = useState<Trial | null>(null);
	const [fault, fail] = useState<Fault | null>(null);
	const [busy, wait] = useState(false);
	const [shown, show] = useState('');
	const lacks = may('create-alert-webhook-endpoint', 'edit-alert-webhook-endpoint', 'test-alert-webhook-endpoint') ? '' : 'needs the role admin or test-alert-webhook-endpoint';
	const run = async (event?: string) => {
		wait(true);
		fail(null);
		try {
			set(await call<Trial>('POST', '/v1/endpoints/preview', { id, endpoint: typeof change === 'function' ? change() : change, event }));
		} catch (e) {
			if (failed && (e as Fault).field) failed(e as Fault);
			else fail(e as Fault);
		}
		wait(false);
	};
	const items = got?.items.filter((i) => !shown || i.verdict === shown).slice(0, 50) ?? [];
	return (
		<section class="trial">
			<p><Act missing={lacks} busy={busy} onClick={() => void run()}>Try on the last 500 events</Act> <span class="hint">Which it would want, and what it would send. Nothing is sent.</span></p>
			{fault && <Wrong fault={fault} />}
			{got && (
				<div role="status">
					<p>{got.events === 0 ? 'Nothing was published yet.' : <>Of {plural(got.events, 'event')} since <When at={got.from} />:</>}{!got.complete && ' The expressions cost much time: not all were looked at.'}</p>
					<p class="legend">{verdicts.filter(([k]) => got[k] > 0).map(([k, words, colour]) => (
						<button key={k} class="quiet" aria-pressed={shown === k} onClick={() => show(shown === k ? '' : k)}><span class={`swatch ${colour}`} aria-hidden="true" /> <b>{count(got[k])}</b> {words}</button>
					))}</p>
				</div>
			)}
			{got && got.events > 0 && (
				<div class="beside">
					<div><Rows label="Events tried" rows={items} id={(i) => i.id} opened={got.body_of} open={(i) => i.verdict === 'wanted' && void run(i.id)} columns={[
						{ head: 'Verdict', cell: (i) => verdicts.find(([k]) => k === i.verdict)?.[1] },
						{ head: 'Type', grow: true, cell: (i) => <span class="clip" title={i.type}>{i.type}</span> },
						{ head: 'Why', cell: (i) => <span class="clip" title={i.detail}>{because(i.detail)}</span> },
						{ head: 'When', cell: (i) => <When at={i.time} /> }]} />
						{got.items.length > items.length && !shown && <p class="hint">The newest 50.</p>}</div>
					<div>{got.body && <><h3>What it would send of {got.body_of || 'a sample'}</h3><pre tabIndex={0}>{pretty(got.body)}</pre></>}{!got.body_of && <p class="dim">None of them would be sent.</p>}</div>
				</div>
			)}
		</section>
	);
}
