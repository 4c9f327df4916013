import { useState } from 'preact/hooks';
import { call, curlOf, Fault, List, query } from '../api';
import { useLoad } from '../load';
import { Act } from '../parts/form';
import { Drawer, Empty, Facts, More, Rows, usePages, useQuery, When, Wrong } from '../parts/list';
import { Page } from '../parts/shell';
import { missing } from '../session';
import { ui } from '../settings';
import type { Endpoint, Letter } from '../types';
import { because, count, pretty } from '../words';

/** DeadLetters: what was given up, grouped by webhook and reason, and each. */
export function DeadLetters() {
	const [q, set] = useQuery();
	const path = '/v1/deadletters' + query({ endpoint: q.endpoint, reason: q.reason, limit: 500 });
	const list = usePages<Letter>(path);
	const names = useLoad<List<Endpoint>>('/v1/endpoints?limit=500');
	const name = (id: string) => (id ? names.data?.items.find((e) => e.id === id)?.name || id.slice(0, 8) : 'unreadable document');
	const groups = new Map<string, { endpoint: string; reason: string; n: number }>();
	for (const l of list.rows ?? []) {
		const key = l.endpoint + ' ' + l.reason;
		const g = groups.get(key) ?? { endpoint: l.endpoint, reason: l.reason, n: 0 };
		g.n++;
		groups.set(key, g);
	}
	return (
		<Page title="Dead letters" code={{ command: 'postrider deadletter list', curl: curlOf('GET', path) }}>
			{list.fault && !list.rows && <Wrong fault={list.fault} again={list.again} />}
			{list.rows?.length === 0 && <Empty title="Nothing was given up">{(q.endpoint || q.reason) && <button onClick={() => set({ endpoint: '', reason: '' })}>Clear the filter</button>}</Empty>}
			{groups.size > 0 && (
				<ul class="cards">
					{[...groups.values()].sort((a, b) => b.n - a.n).slice(0, 12).map((g) => (
						<li key={g.endpoint + g.reason}>
							<button class="link" onClick={() => set({ endpoint: g.endpoint, reason: g.reason })}><b>{count(g.n)}{list.more ? '+' : ''}</b> {name(g.endpoint)}</button>
							<p class="dim">{because(g.reason)}</p>
						</li>
					))}
				</ul>
			)}
			{list.rows && list.rows.length > 0 && (
				<div class={q.open ? 'withdrawer' : ''}>
					<Rows label="Dead letters" rows={list.rows} id={(l) => String(l.id)} opened={q.open} open={(l) => set({ open: String(l.id) })} columns={[
						{ head: 'Id', number: true, cell: (l) => l.id },
						{ head: 'Webhook', cell: (l) => (l.endpoint ? <a href={ui('/webhooks/' + l.endpoint)}>{name(l.endpoint)}</a> : name('')) },
						{ head: 'Reason', cell: (l) => l.reason },
						{ head: 'Detail', grow: true, cell: (l) => <span class="clip">{l.detail}</span> },
						{ head: 'When', cell: (l) => <When at={l.at} /> },
					]} />
					<More more={list.more} />
					{q.open && <LetterDrawer key={q.open} id={q.open} close={() => set({ open: '' })} name={name} />}
				</div>
			)}
		</Page>
	);
}

function LetterDrawer({ id, close, name }: { id: string; close: () => void; name: (id: string) => string }) {
	const got = useLoad<Letter>('/v1/deadletters/' + encodeURIComponent(id));
	const [said, say] = useState('');
	const [fault, fail] = useState<Fault | null>(null);
	const l = got.data;
	const replay = () => call('POST', `/v1/deadletters/${encodeURIComponent(id)}/replay`, {}).then(() => { say('Replayed.'); fail(null); }, fail);
	return (
		<Drawer title={`Dead letter ${id}`} close={close} actions={l?.endpoint && <Act missing={missing('replay-deliveries')} data-key="r" onClick={() => void replay()}>Replay</Act>}>
			{(fault ?? got.fault) && <Wrong fault={(fault ?? got.fault)!} />}
			<p class="good" role="status">{said}</p>
			{l && (
				<>
					<Facts facts={[['Why', because(l.reason)], ['Detail', l.detail], ['Webhook', l.endpoint && <a href={ui('/webhooks/' + l.endpoint)}>{name(l.endpoint)}</a>], ['Event', l.event && <code>{l.event.id}</code>], ['Type', l.event?.type], ['When', <When at={l.at} />]]} />
					{l.attempts && <><h3>Attempts</h3><ul class="lines">{l.attempts.map((a) => <li key={a.at}><When at={a.at} /> {a.status || a.reason} <span class="dim">{a.took_ms.toFixed(1)} ms</span></li>)}</ul></>}
					{l.last_answer && <><h3>Last answer</h3><pre tabIndex={0}>{l.last_answer}</pre></>}
					{l.event?.data !== undefined && <><h3>Event</h3><pre tabIndex={0}>{pretty(JSON.stringify(l.event.data))}</pre></>}
				</>
			)}
		</Drawer>
	);
}
