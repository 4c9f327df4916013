import type { Use } from '../types';
import { count, size } from '../words';
import { Rows, When } from '../parts/list';

/** What each quota counts, in words. */
const words: Record<string, string> = {
	endpoints: 'Webhooks', alerts: 'Alerts', replays: 'Replays under way', events_per_second: 'Events a second', bytes_per_second: 'Bytes a second', log_share: 'Share of the log',
	requests_per_second: 'API requests a second', tests_per_minute: 'Tests a minute', filter_time: 'Time for filters and templates',
};

export const quotaName = (quota: string): string => words[quota] ?? quota.replaceAll('_', ' ');

/** amount is a quota's number as people read it. */
export function amount(quota: string, n: number): string {
	if (quota === 'filter_time' || quota === 'log_share') return `${+(100 * n).toFixed(n > 0 && n < 0.01 ? 2 : 1)} %`;
	if (quota === 'bytes_per_second') return size(n) + '/s';
	return n < 10 && !Number.isInteger(n) ? n.toFixed(1) : count(Math.round(n));
}

/** part is how much of its bound is used; 0 where it has none. */
export const part = (u: Use): number => (u.bound > 0 ? u.used / u.bound : 0);

/** Uses lists what is used of each quota, and what bounds it. */
export function Uses({ uses, own = {} }: { uses: Use[]; own?: Record<string, number> }) {
	return (
		<Rows label="Use" rows={uses} id={(u) => u.quota} columns={[
			{ head: 'What', cell: (u) => quotaName(u.quota) },
			{ head: 'Used', number: true, cell: (u) => amount(u.quota, u.used) },
			{ head: 'Of', number: true, cell: (u) => (u.bound > 0 ? <>{amount(u.quota, u.bound)}{u.quota in own && <span class="dim"> own</span>}</> : <span class="dim">no bound</span>) },
			{ head: 'Share', grow: true, cell: (u) => u.bound > 0 && <Share part={part(u)} since={u.since} /> },
		]} />
	);
}

/** Share is a bar that says when a bound is near. */
export function Share({ part: p, since }: { part: number; since?: string }) {
	const says = p >= 1 ? 'reached' : p >= 0.8 ? 'near' : '';
	return <span class="used"><meter min={0} max={1} high={0.8} value={Math.min(1, p)} aria-label={`${Math.round(100 * p)} % used`} /> {p > 0 && p < 0.01 ? 'under 1' : Math.round(100 * p)} %{says && <b class={says === 'reached' ? 'bad' : 'warn'}> {says}{since && <> since <When at={since} /></>}</b>}</span>;
}
