import { curlOf, List } from '../api';
import { useLoad } from '../load';
import { Empty, State, When, Wrong } from '../parts/list';
import { Copy, Page } from '../parts/shell';
import { session } from '../session';
import { ui } from '../settings';
import type { Audit, Delivery, Endpoint } from '../types';
import { count, plural } from '../words';
import { Activity } from './activity';
import { why } from './why';

/** Overview: one sentence, those that need somebody, and the audit as a picture. */
export function Overview() {
	const hooks = useLoad<List<Endpoint>>('/v1/endpoints?limit=500', 10);
	const audit = useLoad<Audit>('/v1/audit', 30);
	const last = useLoad<List<Delivery>>('/v1/deliveries?limit=8', 5);
	const name = (id: string) => hooks.data?.items.find((e) => e.id === id)?.name ?? '';
	const trouble = (hooks.data?.items ?? []).filter((e) => e.state !== 'active' || e.standing?.breaker === 'open' || e.standing?.held_until);
	return (
		<Page title="Overview" code={{ command: 'postrider audit', curl: curlOf('GET', '/v1/audit') }}>
			{hooks.fault && !hooks.data && <Wrong fault={hooks.fault} again={hooks.again} />}
			{hooks.data?.items.length === 0 && <Begin />}
			{hooks.data && hooks.data.items.length > 0 && (
				<>
					<p class="sentence">{trouble.length === 0 ? 'All is well: nothing needs you.' : `${plural(trouble.length, 'webhook')} ${trouble.length === 1 ? 'needs' : 'need'} you.`}</p>
					{trouble.length > 0 && (
						<ul class="cards">
							{trouble.slice(0, 12).map((e) => (
								<li key={e.id}>
									<a href={ui('/webhooks/' + e.id)}><b>{e.name || e.url}</b> <State is={e.state} /></a>
									<p>{why(e)[0]}</p>
									{e.waiting > 0 && <p class="dim">{plural(e.waiting, 'event waits', 'events wait')}</p>}
								</li>
							))}
						</ul>
					)}
				</>
			)}
			{hooks.data && hooks.data.items.length > 0 && <Activity filter={{}} whole />}
			{audit.data && audit.data.events > 0 && <Sum audit={audit.data} />}
			{last.data && last.data.items.length > 0 && (
				<section>
					<h2>Last deliveries</h2>
					<ul class="lines last">
						{last.data.items.map((d) => (
							<li key={d.id}><State is={d.state} /> <a class="clip" href={ui('/deliveries?open=' + encodeURIComponent(d.id))}>{d.event.type}</a> <span class="dim clip">{name(d.endpoint)}</span> <When at={d.created_at} /></li>
						))}
					</ul>
				</section>
			)}
		</Page>
	);
}

/** Sum is the audit as a picture: owed = delivered + dead-lettered + skipped + waiting. */
function Sum({ audit }: { audit: Audit }) {
	const sum = { owed: 0, delivered: 0, dead_lettered: 0, skipped: 0, waiting: 0, missing: 0 };
	for (const e of audit.endpoints) for (const k of Object.keys(sum) as (keyof typeof sum)[]) sum[k] += e[k];
	const parts: [keyof typeof sum, string, string][] = [['delivered', 'delivered', '/deliveries?status=delivered'], ['dead_lettered', 'dead-lettered', '/deadletters'],
		['skipped', 'skipped', '/deliveries?status=skipped'], ['waiting', 'waiting', '/deliveries?status=waiting']];
	let at = 0;
	return (
		<section>
			<h2>What was owed, and what became of it</h2>
			<svg class="sum" viewBox="0 0 1000 24" preserveAspectRatio="none" role="img" aria-label={parts.map(([k, n]) => `${n} ${count(sum[k])}`).join(', ')}>
				{parts.map(([k]) => {
					const width = sum.owed ? (1000 * sum[k]) / sum.owed : 0;
					const x = at;
					at += width;
					return width > 0 && <rect key={k} class={k} x={x} y="0" width={Math.max(2, width)} height="24" />;
				})}
			</svg>
			<p class="legend">
				<b>{count(sum.owed)}</b> owed = {parts.map(([k, name, to], i) => (
					<span key={k}>{i > 0 && ' + '}<a href={ui(to)}><span class={`swatch ${k}`} aria-hidden="true" /> <b>{count(sum[k])}</b> {name}</a></span>
				))}
				{' '}<span class={audit.ok ? 'good' : 'bad'}>{audit.ok ? 'It adds up.' : `It does not add up: ${count(sum.missing)} are missing.`}</span>
			</p>
		</section>
	);
}

/** Begin is what somebody sees who has nothing yet: three steps. */
function Begin() {
	const customer = session.value?.customer ?? 'acme';
	return (
		<Empty title="Three steps to a first delivery">
			<ol class="steps">
				<li><b>Add a webhook.</b> <a class="button primary" href={ui('/webhooks?add=1')}>Add</a></li>
				<li><b>Publish an event.</b><Copy label="Command" text={`echo '{"hello":"world"}' | postrider publish events.${customer}.greeting.sent`} /></li>
				<li><b>Watch it arrive</b> in <a href={ui('/deliveries')}>Deliveries</a>.</li>
			</ol>
		</Empty>
	);
}
