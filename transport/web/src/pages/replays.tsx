import { useState } from 'preact/hooks';
import { call, curlOf, Fault, List } from '../api';
import { useLoad } from '../load';
import { Act, Field, Unplaced } from '../parts/form';
import { Empty, State, useQuery, Wrong } from '../parts/list';
import { Page } from '../parts/shell';
import { missing } from '../session';
import type { Endpoint, Replay } from '../types';
import { count, plural } from '../words';

/** Replays: begun by a filter that is counted first, paced, cancellable. */
export function Replays() {
	const list = useLoad<List<Replay>>('/v1/replays', 2);
	const [fault, fail] = useState<Fault | null>(null);
	const cancel = (id: string) => call('DELETE', '/v1/replays/' + encodeURIComponent(id)).then(list.again, fail);
	return (
		<Page title="Replays" code={{ command: 'postrider delivery replay --status dead_lettered', curl: curlOf('GET', '/v1/replays') }}>
			{(fault ?? (!list.data && list.fault)) && <Wrong fault={(fault ?? list.fault)!} />}
			<NewReplay begun={list.again} />
			{list.data?.items.length === 0 && <Empty title="No replays yet"><p>A replay makes deliveries again, with the same webhook-id.</p></Empty>}
			<ul class="cards wide">
				{list.data?.items.map((r) => (
					<li key={r.id}>
						<p><State is={r.state} /> <code>{r.id}</code> <span class="grow" />{r.state === 'running' && <Act missing={missing('replay-deliveries')} onClick={() => void cancel(r.id)}>Cancel</Act>}</p>
						<progress value={r.done} max={Math.max(1, r.total)} aria-label={`${count(r.done)} of ${count(r.total)}`} />
						<p>{count(r.done)} of {count(r.total)}: {count(r.replayed)} replayed{r.gone > 0 && `, ${count(r.gone)} no longer kept`}{r.skipped > 0 && `, ${count(r.skipped)} skipped`}{r.detail && `. ${r.detail}`}</p>
					</li>
				))}
			</ul>
		</Page>
	);
}

function NewReplay({ begun }: { begun: () => void }) {
	const [q] = useQuery();
	const [v, set] = useState({ endpoint: q.endpoint ?? '', status: q.status ?? 'dead_lettered', type: q.type ?? '', from: q.from ?? '', to: q.to ?? '', rate: '' });
	const [n, tell] = useState<number | null>(null);
	const [fault, fail] = useState<Fault | null>(null);
	const names = useLoad<List<Endpoint>>('/v1/endpoints?limit=500');
	const put = (k: keyof typeof v) => (e: { currentTarget: { value: string } }) => {
		set({ ...v, [k]: e.currentTarget.value });
		tell(null);
	};
	const wish = () => {
		const w: Record<string, unknown> = {};
		for (const [k, x] of Object.entries(v)) if (x) w[k] = k === 'rate' ? Number(x) : k === 'from' || k === 'to' ? new Date(x).toISOString() : x;
		return w;
	};
	const ask = (dry: boolean) => call<{ count: number }>('POST', '/v1/replays', { ...wish(), ...(dry ? { dry_run: true } : {}) }).then((a) => {
		fail(null);
		if (dry) tell(a.count);
		else {
			tell(null);
			begun();
		}
	}, fail);
	return (
		<details class="box" open={!!q.new}>
			<summary>New replay</summary>
			<form class="grid" onSubmit={(e) => { e.preventDefault(); void ask(true); }}>
				<Unplaced fault={fault} fields={['endpoint', 'status', 'type', 'from', 'to', 'rate']} />
				<Field label="Webhook" name="endpoint" fault={fault}><select value={v.endpoint} onChange={put('endpoint')}><option value="">Any</option>{names.data?.items.map((e) => <option key={e.id} value={e.id}>{e.name || e.url}</option>)}</select></Field>
				<Field label="Status" name="status" fault={fault}><select value={v.status} onChange={put('status')}>{['dead_lettered', 'delivered', 'skipped'].map((s) => <option key={s} value={s}>{s.replace('_', '-')}</option>)}</select></Field>
				<Field label="Type" name="type" fault={fault}><input value={v.type} onInput={put('type')} placeholder="Any, or access.>" /></Field>
				<Field label="From" name="from" fault={fault}><input type="datetime-local" value={v.from} onInput={put('from')} /></Field>
				<Field label="To" name="to" fault={fault}><input type="datetime-local" value={v.to} onInput={put('to')} /></Field>
				<Field label="A second" name="rate" fault={fault}><input inputMode="decimal" value={v.rate} onInput={put('rate')} placeholder="100" /></Field>
				<p class="buttons">
					<Act type="submit" missing={missing('replay-deliveries')}>Count</Act>
					{n !== null && <Act class="primary" missing={missing('replay-deliveries')} onClick={() => void ask(false)}>{n === 0 ? 'Nothing to replay' : `Replay ${plural(n, 'delivery', 'deliveries')}`}</Act>}
				</p>
			</form>
		</details>
	);
}
