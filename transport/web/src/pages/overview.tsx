import { curlOf, List } from '../api';
import { useEffect, useState } from 'preact/hooks';
import { useLoad } from '../load';
import { nameOf } from '../names';
import { Empty, State, When, Wrong } from '../parts/list';
import { Copy } from '../parts/code';
import { Page } from '../parts/shell';
import { session } from '../session';
import { ui } from '../settings';
import { useStream } from '../stream';
import type { Audit, Delivery, Endpoint } from '../types';
import { count, plural } from '../words';
import { Activity } from './activity';
import { AuditBar } from './audit';
import { why } from './why';

/** Overview: one sentence, those that need somebody, and the audit as a picture. */
export function Overview() {
	const hooks = useLoad<List<Endpoint> & { counts: Record<string, number> }>('/v1/endpoints?sort=trouble&counts=true&limit=24', 10);
	const [changed, change] = useState(0);
	useStream('/v1/stream?what=endpoints', { open: () => {}, endpoints: () => change((n) => n + 1) });
	useEffect(() => void (changed && hooks.again()), [changed]);
	const audit = useLoad<Audit>('/v1/audit?lines=0&max_age=1m', 60);
	const last = useLoad<List<Delivery>>('/v1/deliveries?limit=8', 5);
	const counts = hooks.data?.counts;
	const needy = counts ? counts.failing! + counts.disabled! + counts.paused! : 0;
	const trouble = (hooks.data?.items ?? []).filter((e) => e.state !== 'active' || e.standing?.breaker === 'open' || e.standing?.held_until);
	return (
		<Page title="Overview" code={{ command: 'postrider audit', curl: curlOf('GET', '/v1/audit') }}>
			{hooks.fault && !hooks.data && <Wrong fault={hooks.fault} again={hooks.again} />}
			{hooks.data?.items.length === 0 && <Begin />}
			{hooks.data && hooks.data.items.length > 0 && (
				<>
					<p class="sentence">{trouble.length === 0 ? 'All is well: nothing needs you.' : `${plural(Math.max(needy, trouble.length), 'webhook')} ${Math.max(needy, trouble.length) === 1 ? 'needs' : 'need'} you.`}{counts && counts.all! > 1 && <span class="dim"> Of {count(counts.all)}.</span>}</p>
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
			{hooks.data && hooks.data.items.length > 0 && <Activity filter={{}} whole split />}
			{audit.data && audit.data.events > 0 && <section><h2>What was owed, and what became of it</h2><AuditBar audit={audit.data} /><p class="hint">As of <When at={audit.data.at} />.</p></section>}
			{last.data && last.data.items.length > 0 && (
				<section>
					<h2>Last deliveries</h2>
					<ul class="lines last">
						{last.data.items.map((d) => (
							<li key={d.id}><State is={d.state} /> <a class="clip" href={ui('/deliveries?open=' + encodeURIComponent(d.id))}>{d.event.type}</a> <span class="dim clip">{d.endpoint ? nameOf(d.endpoint) : ''}</span> <When at={d.created_at} /></li>
						))}
					</ul>
				</section>
			)}
		</Page>
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
