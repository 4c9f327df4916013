import { curlOf, List } from '../api';
import { useLoad } from '../load';
import { Act } from '../parts/form';
import { Wrong } from '../parts/list';
import { Page } from '../parts/shell';
import { missing } from '../session';
import { ui } from '../settings';
import type { Endpoint, Recipe } from '../types';
import { useLocation } from 'preact-iso';
import { plural } from '../words';

/** Integrations: webhooks of one's own making, and those of services that are known. */
export function Integrations() {
	const { route } = useLocation();
	const recipes = useLoad<List<Recipe>>('/v1/recipes');
	const hooks = useLoad<List<Endpoint> & { counts: Record<string, number> }>('/v1/endpoints?counts=true&limit=1');
	const lacks = missing('create-alert-webhook-endpoint');
	const n = hooks.data?.counts.all;
	return (
		<Page title="Integrations" code={{ command: 'postrider endpoint add --recipe datadog-logs --set api_key=…', curl: curlOf('GET', '/v1/recipes') }}>
			<h2>Roll Your Own</h2>
			<ul class="tiles">
				<li>
					<h3>Webhooks</h3>
					<p>Events as they happen, signed, to a URL of yours.</p>
					<p class="foot"><a class="button primary" href={ui('/webhooks')}>Manage</a> {n !== undefined && <span class="dim">{n === 0 ? 'none yet' : plural(n, 'webhook')}</span>}</p>
				</li>
			</ul>
			<h2>Services</h2>
			{recipes.fault && !recipes.data && <Wrong fault={recipes.fault} again={recipes.again} />}
			<ul class="tiles">
				{recipes.data?.items.map((r) => (
					<li key={r.name}>
						<h3>{r.title}</h3>
						<p>{r.description}</p>
						<p class="foot"><Act missing={lacks} label={`Add ${r.title}`} onClick={() => route(ui('/webhooks?add=' + encodeURIComponent(r.name)))}>Add</Act> <a href={r.reference} target="_blank" rel="noreferrer" aria-label={`Documentation of ${r.title}`}>Documentation</a></p>
					</li>
				))}
			</ul>
		</Page>
	);
}
