import { signal } from '@preact/signals';
import { useLocation } from 'preact-iso';
import { useState } from 'preact/hooks';
import { call, curlOf, Fault, query } from '../api';
import { useLoad } from '../load';
import { nameOf } from '../names';
import { Dialog } from '../parts/dialog';
import { Act } from '../parts/form';
import { Drawer, Empty, Facts, More, Rows, usePages, useQuery, When, Wrong } from '../parts/list';
import { Page } from '../parts/shell';
import { missing, operator } from '../session';
import { ui } from '../settings';
import type { Letter } from '../types';
import { because, count, plural, pretty } from '../words';

interface Group {
	customer: string;
	endpoint: string;
	reason: string;
	count: number;
	first: string;
	last: string;
	detail: string;
}

const purging = signal(false);

const of = (endpoint: string): string => (endpoint ? nameOf(endpoint) : 'unreadable documents');

/** DeadLetters: what was given up, by webhook and reason, and each. */
export function DeadLetters() {
	const [q, set] = useQuery();
	const filter = { endpoint: q.endpoint, reason: q.reason };
	const path = '/v1/deadletters' + query(filter);
	const list = usePages<Letter>('/v1/deadletters' + query({ ...filter, limit: 100 }));
	const groups = useLoad<{ items: Group[]; letters: number; complete: boolean }>('/v1/deadletters/groups', 30);
	const all = groups.data?.items ?? [];
	const chosen = q.reason !== undefined && q.reason !== '' || !!q.endpoint;
	const again = () => {
		list.again();
		groups.again();
	};
	const flags = Object.entries(filter).filter(([, v]) => v).map(([k, v]) => ` --${k} '${v}'`).join('');
	return (
		<Page title="Dead letters" code={{ command: 'postrider deadletter list' + flags, curl: curlOf('GET', path) }}>
			{list.fault && !list.rows && <Wrong fault={list.fault} again={list.again} />}
			{list.rows?.length === 0 && <Empty title="Nothing was given up">{chosen && <button onClick={() => set({ endpoint: '', reason: '' })}>Clear the filter</button>}</Empty>}
			{all.length > 0 && !chosen && (
				<section>
					<Rows label="Groups of dead letters" rows={all.slice(0, 50)} id={(g) => g.endpoint + ' ' + g.reason + ' ' + g.customer} open={(g) => set({ endpoint: g.endpoint, reason: g.reason })} columns={[
						{ head: 'Letters', number: true, cell: (g) => <b>{count(g.count)}{groups.data!.complete ? '' : '+'}</b> },
						{ head: 'Webhook', cell: (g) => <span class="clip">{of(g.endpoint)}</span> },
						...(operator.value ? [{ head: 'Customer', cell: (g: Group) => g.customer || '–' }] : []),
						{ head: 'Why', grow: true, cell: (g) => <span class="clip" title={g.detail}>{because(g.reason)}</span> },
						{ head: 'Last', cell: (g) => <When at={g.last} /> },
						{ head: 'First', cell: (g) => <When at={g.first} /> },
					]} />
					<p class="hint">{groups.data!.complete ? plural(groups.data!.letters, 'dead letter') : `Of the newest ${count(groups.data!.letters)}; there are more.`}</p>
				</section>
			)}
			{chosen && list.rows && list.rows.length > 0 && <Chosen q={filter} n={all.find((g) => g.endpoint === (q.endpoint ?? '') && g.reason === q.reason)?.count} again={again} clear={() => set({ endpoint: '', reason: '' })} />}
			{list.rows && list.rows.length > 0 && (
				<div class={q.open ? 'withdrawer' : ''}>
					{!chosen && <h2>Each</h2>}
					<Rows label="Dead letters" rows={list.rows} id={(l) => String(l.id)} opened={q.open} open={(l) => set({ open: String(l.id) })} columns={[
						{ head: 'Id', number: true, cell: (l) => l.id },
						{ head: 'Webhook', cell: (l) => (l.endpoint ? <a href={ui('/webhooks/' + l.endpoint)}>{of(l.endpoint)}</a> : of('')) },
						{ head: 'Reason', cell: (l) => l.reason },
						{ head: 'Detail', grow: true, cell: (l) => <span class="clip" title={l.detail}>{l.detail}</span> },
						{ head: 'When', cell: (l) => <When at={l.at} /> },
					]} />
					<More more={list.more} />
					{q.open && <LetterDrawer key={q.open} id={q.open} close={() => set({ open: '' })} />}
				</div>
			)}
		</Page>
	);
}

/** Chosen is what can be done with a group: all of it again, or away with it. Both are counted first. */
function Chosen({ q, n, again, clear }: { q: { endpoint?: string; reason?: string }; n?: number; again: () => void; clear: () => void }) {
	const { route } = useLocation();
	const [counted, tell] = useState<{ what: 'replay' | 'purge'; n: number } | null>(null);
	const [fault, fail] = useState<Fault | null>(null);
	const wish = Object.fromEntries(Object.entries(q).filter(([, v]) => v));
	const ask = (what: 'replay' | 'purge') => (what === 'replay' ? call<{ count: number }>('POST', '/v1/deadletters/replay', { ...wish, dry_run: true }) : call<{ count: number }>('DELETE', '/v1/deadletters' + query({ ...q, dry_run: 'true' })))
		.then((a) => { fail(null); tell({ what, n: a.count }); purging.value = true; }, fail);
	const go = () => (counted!.what === 'replay' ? call('POST', '/v1/deadletters/replay', wish) : call('DELETE', '/v1/deadletters' + query(q))).then(() => {
		purging.value = false;
		if (counted!.what === 'replay') route(ui('/replays'));
		else again();
	}, (f: Fault) => { purging.value = false; fail(f); });
	return (
		<section class="box group">
			<p><b>{n === undefined ? 'Dead letters' : plural(n, 'dead letter')}</b> {q.endpoint ? <>of <a href={ui('/webhooks/' + q.endpoint)}>{nameOf(q.endpoint)}</a></> : ''}{q.reason && <span class="dim"> {because(q.reason)}</span>}</p>
			<p class="buttons">
				<button onClick={clear}>All groups</button>
				{q.endpoint && <Act missing={missing('replay-deliveries')} onClick={() => void ask('replay')}>Replay all…</Act>}
				<Act missing={missing('admin')} onClick={() => void ask('purge')}>Purge…</Act>
			</p>
			{fault && <Wrong fault={fault} />}
			<Dialog open={purging} title={counted?.what === 'replay' ? 'Replay these dead letters?' : 'Delete these dead letters?'}>
				<p>{counted?.what === 'replay' ? `${plural(counted.n, 'dead letter is', 'dead letters are')} delivered again, with the same webhook-id, at the pace of replays; Replays shows how far it is.` : `${plural(counted?.n ?? 0, 'dead letter is', 'dead letters are')} deleted for good. The delivery log goes on showing that they were given up.`}</p>
				<p class="buttons">
					<button class={counted?.what === 'replay' ? 'primary' : 'danger'} disabled={!counted?.n} onClick={() => void go()}>{counted?.what === 'replay' ? 'Replay' : 'Delete'} {count(counted?.n ?? 0)}</button>
					<button onClick={() => (purging.value = false)}>Leave them</button>
				</p>
			</Dialog>
		</section>
	);
}

function LetterDrawer({ id, close }: { id: string; close: () => void }) {
	const got = useLoad<Letter>('/v1/deadletters/' + encodeURIComponent(id));
	const [said, say] = useState('');
	const [fault, fail] = useState<Fault | null>(null);
	const l = got.data;
	const replay = () => call('POST', `/v1/deadletters/${encodeURIComponent(id)}/replay`, {}).then(() => { say('Replayed.'); fail(null); }, fail);
	return (
		<Drawer title={`Dead letter ${id}`} close={close} code={{ command: 'postrider deadletter show ' + id, curl: curlOf('GET', '/v1/deadletters/' + id) }} actions={l?.endpoint && <Act missing={missing('replay-deliveries')} data-key="r" onClick={() => void replay()}>Replay</Act>}>
			{(fault ?? got.fault) && <Wrong fault={(fault ?? got.fault)!} />}
			<p class="good" role="status">{said}</p>
			{l && (
				<>
					<Facts facts={[['Why', because(l.reason)], ['Detail', l.detail], ['Webhook', l.endpoint && <a href={ui('/webhooks/' + l.endpoint)}>{of(l.endpoint)}</a>], ['Event', l.event && <code>{l.event.id}</code>], ['Type', l.event?.type], ['When', <When at={l.at} />]]} />
					{l.attempts && <><h3>Attempts</h3><ul class="lines">{l.attempts.map((a) => <li key={a.at}><When at={a.at} /> {a.status || a.reason} <span class="dim">{a.took_ms.toFixed(1)} ms</span></li>)}</ul></>}
					{l.last_answer && <><h3>Last answer</h3><pre tabIndex={0}>{l.last_answer}</pre></>}
					{l.event?.data !== undefined && <><h3>Event</h3><pre tabIndex={0}>{pretty(JSON.stringify(l.event.data))}</pre></>}
				</>
			)}
		</Drawer>
	);
}
