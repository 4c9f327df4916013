import { curlOf, query } from '../api';
import { useLoad } from '../load';
import { Drawer, Empty, Facts, More, Rows, State, usePages, useQuery, When, Wrong } from '../parts/list';
import { Page } from '../parts/shell';
import { operator } from '../session';
import type { Run } from '../types';
import { count } from '../words';

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
	return (
		<Drawer title="Run" close={close}>
			{got.fault && <Wrong fault={got.fault} />}
			{r && (
				<>
					<Facts facts={[['Status', <><State is={r.status} /> {r.reason}</>], ['Type', r.alert_type], ['Detections', r.from && r.from <= r.to ? `${count(r.from)} to ${count(r.to)} of the log` : 'nothing new'], ['Alerts', r.alerts], ['Matches', count(r.total_matches)],
						['Started', <When at={r.started_at} />], ['Finished', r.finished_at && <When at={r.finished_at} />], ['Id', <code>{r.run_id}</code>]]} />
					<h3>Matches</h3>
					{r.report ? <ul class="lines">{r.report.matches.map((m, i) => <li key={i}><b>{m.alert_name}</b> {[m.license_plate, m.trailer_number, m.vin].filter(Boolean).join(' ')} <span class="dim">{[m.city, m.state, m.road].filter(Boolean).join(', ')}</span> {m.time && <When at={m.time} />}</li>)}</ul> : <p class="dim">{r.report_note}</p>}
				</>
			)}
		</Drawer>
	);
}

