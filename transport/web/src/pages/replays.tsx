import { useEffect, useState } from 'preact/hooks';
import { call, curlOf, Fault, List } from '../api';
import { useLoad } from '../load';
import { nameOf } from '../names';
import { Act, Field, Unplaced } from '../parts/form';
import { Empty, State, useQuery, When, Wrong } from '../parts/list';
import { PickWebhook } from '../parts/pick';
import { Page } from '../parts/shell';
import { missing } from '../session';
import { Part, useStream } from '../stream';
import type { Replay } from '../types';
import { ui } from '../settings';
import { count, exact, plural } from '../words';

/** Replays: begun by a filter that is counted first, paced, cancellable. */
export function Replays() {
	const list = useLoad<List<Replay>>('/v1/replays', 10);
	const [changed, change] = useState<Map<string, Replay>>(new Map());
	useStream('/v1/stream?what=replays', {
		open: list.again,
		replays: (part: Part<Replay>) => (part.more ? list.again() : change((old) => new Map([...old, ...part.items.map((r) => [r.id, r] as const)]))),
	});
	const later = (r: Replay) => { const c = changed.get(r.id); return c && c.updated_at > r.updated_at ? c : r; };
	const [fault, fail] = useState<Fault | null>(null);
	const cancel = (id: string) => call('DELETE', '/v1/replays/' + encodeURIComponent(id)).then(list.again, fail);
	return (
		<Page title="Replays" code={{ command: 'postrider delivery replay --status dead_lettered', curl: curlOf('GET', '/v1/replays') }}>
			{(fault ?? (!list.data && list.fault)) && <Wrong fault={(fault ?? list.fault)!} />}
			<NewReplay begun={list.again} />
			{list.data?.items.length === 0 && <Empty title="No replays yet"><p>A replay makes deliveries again, with the same webhook-id.</p></Empty>}
			<ul class="cards wide">
				{list.data?.items.map(later).map((r) => (
					<li key={r.id}>
						<p><State is={r.state} /> <Chosen r={r} /> <span class="grow" /><When at={r.created_at} /> {r.state === 'running' && <Act missing={missing('replay-deliveries')} onClick={() => void cancel(r.id)}>Cancel</Act>}</p>
						<progress value={r.done} max={Math.max(1, r.total)} aria-label={`${count(r.done)} of ${count(r.total)}`} />
						<p>{count(r.done)} of {count(r.total)}: {count(r.replayed)} replayed{r.gone > 0 && `, ${count(r.gone)} no longer kept`}{r.skipped > 0 && `, ${count(r.skipped)} skipped`}{r.detail && `. ${r.detail}`}</p>
					</li>
				))}
			</ul>
		</Page>
	);
}

/** Chosen says what a replay is of. */
function Chosen({ r }: { r: Replay }) {
	const of = [r.source === 'past' ? 'events from before' : r.source === 'deadletters' ? 'dead letters' : 'deliveries', r.status?.replace('_', '-'), r.type, r.reason, r.event && `event ${r.event}`, r.from && `from ${exact(r.from)}`, r.to && `to ${exact(r.to)}`].filter(Boolean);
	return <span>{of.join(', ')}{r.endpoint && <> to <a href={ui('/webhooks/' + r.endpoint)}>{nameOf(r.endpoint)}</a></>}</span>;
}

/** local is a time as a field of the browser has it, in the viewer's zone, to the second. */
const local = (text?: string): string => (text && !Number.isNaN(Date.parse(text)) ? new Date(Date.parse(text) - new Date(text).getTimezoneOffset() * 60e3).toISOString().slice(0, 19) : '');

const settled = ['dead_lettered', 'delivered', 'skipped', 'failed', 'throttled', 'gone', 'refused'];

function NewReplay({ begun }: { begun: () => void }) {
	const [q] = useQuery();
	const [v, set] = useState({ endpoint: q.endpoint ?? '', status: q.new ? q.status ?? '' : 'dead_lettered', type: q.type ?? '', from: local(q.from), to: local(q.to), rate: '' });
	const [n, tell] = useState<number | null>(null);
	const [fault, fail] = useState<Fault | null>(null);
	const change = (k: keyof typeof v, value: string) => {
		set({ ...v, [k]: value });
		tell(null);
	};
	const put = (k: keyof typeof v) => (e: { currentTarget: { value: string } }) => change(k, e.currentTarget.value);
	const wish = () => {
		const w: Record<string, unknown> = {};
		for (const [k, x] of Object.entries(v)) if (x) w[k] = k === 'rate' ? Number(x) : k === 'from' || k === 'to' ? new Date(x).toISOString() : x;
		return w;
	};
	const ask = (dry: boolean) => call<{ count: number }>('POST', '/v1/replays', { ...wish(), ...(dry ? { dry_run: true } : {}) }).then((a) => {
		fail(null);
		tell(dry ? a.count : null);
		if (!dry) begun();
	}, fail);
	// Whoever comes from a list sees at once how many it would be.
	useEffect(() => void (q.new && (v.endpoint || v.status || v.from || v.type) && !missing('replay-deliveries') && ask(true)), []);
	return (
		<details class="box" open={!!q.new}>
			<summary>New replay</summary>
			<form class="grid" onSubmit={(e) => { e.preventDefault(); void ask(true); }}>
				<Unplaced fault={fault} fields={['endpoint', 'status', 'type', 'from', 'to', 'rate']} />
				<Field label="Webhook" name="endpoint" fault={fault}><PickWebhook value={v.endpoint} pick={(id) => change('endpoint', id)} any="Any" /></Field>
				<Field label="Status" name="status" fault={fault}><select value={v.status} onChange={put('status')}><option value="">Any outcome</option>{settled.map((s) => <option key={s} value={s}>{s.replace('_', '-')}</option>)}</select></Field>
				<Field label="Type" name="type" fault={fault}><input value={v.type} onInput={put('type')} placeholder="Any, or access.>" /></Field>
				<Field label="From" name="from" fault={fault}><input type="datetime-local" step="1" value={v.from} onInput={put('from')} /></Field>
				<Field label="To" name="to" fault={fault}><input type="datetime-local" step="1" value={v.to} onInput={put('to')} /></Field>
				<Field label="A second" name="rate" fault={fault} hint="How fast; 0.01 to 10,000"><input inputMode="decimal" value={v.rate} onInput={put('rate')} placeholder="100" /></Field>
				<p class="buttons">
					<Act type="submit" missing={missing('replay-deliveries')}>Count</Act>
					{n !== null && <Act class="primary" busy={n === 0} missing={missing('replay-deliveries')} onClick={() => void ask(false)}>{n === 0 ? 'Nothing to replay' : `Replay ${plural(n, 'delivery', 'deliveries')}`}</Act>}
				</p>
			</form>
		</details>
	);
}
