import { curlOf, List, query } from '../api';
import { useLoad } from '../load';
import { nameOf } from '../names';
import { Copy } from '../parts/code';
import { Drawer, Empty, Facts, More, Rows, State, usePages, useQuery, When, Wrong } from '../parts/list';
import { Page } from '../parts/shell';
import { Sketch } from '../parts/sketch';
import { operator } from '../session';
import { settings, ui } from '../settings';
import type { Delivery, Run } from '../types';
import { because, count, sentence } from '../words';

/** Runs of alerts, matched or not, with their matches. */
export function Runs() {
	const [q, set] = useQuery();
	const path = '/v1/runs' + query({ alert_type: q.type });
	const list = usePages<Run>(path);
	return (
		<Page title="Runs" code={{ command: 'postrider run list', curl: curlOf('GET', path) }} actions={<button onClick={list.again}>Refresh</button>}>
			<div class="filters"><select aria-label="Type" value={q.type ?? ''} onChange={(e) => set({ type: e.currentTarget.value })}><option value="">Any type</option><option>normal</option><option>hot</option><option>live</option><option>summary</option></select></div>
			{list.fault && !list.rows && <Wrong fault={list.fault} again={list.again} />}
			{list.rows?.length === 0 && <Empty title="No runs yet"><p>Alerts run daily, every 15 minutes, as detections come, or by Run Alert Summary.</p></Empty>}
			<div class={q.open ? 'withdrawer' : ''}>
				{list.rows && list.rows.length > 0 && (
					<Rows label="Runs" rows={list.rows} id={(r) => r.run_id} opened={q.open} open={(r) => set({ open: r.run_id })} columns={[
						{ head: 'Status', cell: (r) => <State is={r.status} /> },
						{ head: 'Type', cell: (r) => r.alert_type || 'by hand' },
						...(operator.value ? [{ head: 'Customer', spare: true, cell: (r: Run) => r.customer }] : []),
						{ head: 'Alerts', number: true, spare: true, cell: (r) => count(r.alerts) },
						{ head: 'Matches', number: true, cell: (r) => count(r.total_matches) },
						{ head: 'Reason', grow: true, cell: (r) => <span class="clip">{r.reason}</span> },
						{ head: 'Started', cell: (r) => <When at={r.started_at} /> },
					]} />
				)}
				<More more={list.more} />
				{q.open && <RunDrawer key={q.open} id={q.open} close={() => set({ open: '' })} />}
			</div>
		</Page>
	);
}

function RunDrawer({ id, close }: { id: string; close: () => void }) {
	const got = useLoad<Run>('/v1/runs/' + encodeURIComponent(id));
	const r = got.data;
	const matches = r?.report?.matches ?? [];
	return (
		<Drawer title="Run" close={close} code={{ command: 'postrider run show ' + id, curl: curlOf('GET', '/v1/runs/' + id) }}>
			{got.fault && <Wrong fault={got.fault} />}
			{r && (
				<>
					<Facts facts={[['Status', <><State is={r.status} /> {r.reason}</>], ['Type', r.alert_type], ['Detections', r.from && r.from <= r.to ? `${count(r.from)} to ${count(r.to)} of the log` : 'nothing new'], ['Alerts', r.alerts], ['Matches', count(r.total_matches)],
						['Started', <When at={r.started_at} />], ['Finished', r.finished_at && <When at={r.finished_at} />], ['Id', <code>{r.run_id}</code>]]} />
					<h3>Matches</h3>
					{r.report ? <ol class="matches">{matches.map((m, i) => <Match key={i} m={m} />)}</ol> : <p class="dim">{sentence(r.report_note ?? '')}</p>}
					<Sketch places={matches.map((m) => m.lat_long ?? '')} />
					{r.event && <Told event={r.event} />}
					{r.report && <><h3>Payload</h3><details><summary>One, with all matches of all alerts</summary><Copy label="As the event has it" text={JSON.stringify(r.report, null, 2)} /></details></>}
				</>
			)}
		</Drawer>
	);
}

function Match({ m }: { m: Record<string, string> }) {
	return (
		<li>
			<b>{m.alert_name}</b> {[m.license_plate, m.trailer_number, m.vin, m.usdot && `USDOT ${m.usdot}`, m.mc && `MC ${m.mc}`].filter(Boolean).join(' ')}
			<p class="dim">{[m.city, m.state, m.road].filter(Boolean).join(', ')} {m.time && <When at={m.time} />} {web(m.result_url) && <a href={m.result_url} target="_blank" rel="noreferrer">result</a>}</p>
			<p class="views">{views.map(([k, name]) => <View key={k} url={m[k] ?? ''} name={name} />)}</p>
		</li>
	);
}

const views: [string, string][] = [['front_view_url', 'Front view'], ['side_view_url', 'Side view'], ['rear_view_url', 'Rear view']];

/** web tells a link that may be followed from one that would do something else. */
const web = (url?: string): boolean => /^https?:\/\//i.test(url ?? '');

/** View shows a picture where its host is one of web.image_hosts, and else leads to it. */
function View({ url, name }: { url: string; name: string }) {
	if (!web(url)) return null;
	let origin = '';
	try {
		origin = new URL(url).origin;
	} catch {
		return null;
	}
	return <a href={url} target="_blank" rel="noreferrer">{origin === location.origin || settings.image_hosts.includes(origin) ? <img src={url} alt={name} loading="lazy" referrerpolicy="no-referrer" /> : name}</a>;
}

/** Told lists whom a run was told to: webhooks and mailboxes, at the same time. */
function Told({ event }: { event: string }) {
	const got = useLoad<List<Delivery>>('/v1/deliveries' + query({ event, limit: 100 }), 5);
	const told = got.data?.items ?? [];
	return (
		<>
			<h3>Told</h3>
			{got.fault && !got.data && <Wrong fault={got.fault} />}
			{got.data && told.length === 0 && <p class="dim">Nobody: no enabled webhook wants alert.matches_found, and no mail was owed.</p>}
			<ul class="lines">{told.map((d) => <li key={d.id}><State is={d.state} /> <a href={ui('/deliveries?open=' + encodeURIComponent(d.id))}>{d.endpoint ? nameOf(d.endpoint) : because(d.reason)}</a> <When at={d.updated_at} /></li>)}</ul>
		</>
	);
}
