import { computed, signal } from '@preact/signals';
import { useLocation } from 'preact-iso';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { call, curlOf, Fault, List, query } from '../api';
import { useLoad } from '../load';
import { forgetNames } from '../names';
import { Spark } from '../parts/chart';
import { Act } from '../parts/form';
import { Dialog } from '../parts/dialog';
import { Empty, More, Rows, State, Typed, usePages, useQuery, When, Wrong } from '../parts/list';
import { Page } from '../parts/shell';
import { missing, operator } from '../session';
import { ui } from '../settings';
import { Part, useStream } from '../stream';
import type { Endpoint, Recipe, Series, SeriesOfTime } from '../types';
import { count } from '../words';
import { KeyShown, useSecret } from './key';
import { RecipeForm } from './recipeform';
import { WebhookForm } from './webhookform';

const adding = signal('');
/** What was just added, with its key: this answer alone has it for those who are no admins. */
const added = signal<Endpoint | null>(null);

/** Webhooks: those in trouble first. */
export function Webhooks() {
	const { route } = useLocation();
	const [q, set] = useQuery();
	const path = '/v1/endpoints' + query({ customer: q.customer, q: q.q, state: q.state, sort: 'trouble', counts: 'true', limit: 50 });
	const list = usePages<Endpoint>(path);
	const counts = list.first?.counts as Record<string, number> | undefined;
	const [states, change] = useState<Map<string, Partial<Endpoint>>>(new Map());
	useStream('/v1/stream?what=endpoints', { open: () => {}, endpoints: (part: Part<Endpoint>) => change((old) => new Map([...old, ...part.items.map((e) => [e.id, e] as const)])) });
	useEffect(() => {
		if (!q.add) return;
		adding.value = q.add;
		set({ add: '' });
	}, [q.add]);
	useEffect(() => () => void (added.value = null), []);
	// A new state is shown at once; the order changes when the list is asked again.
	const rows = (list.rows ?? []).map((e) => ({ ...e, ...states.get(e.id) }));
	const day = useLoad<SeriesOfTime>(rows.length ? '/v1/series' + query({ endpoint: rows.slice(0, 100).map((e) => e.id).sort().join(','), by: 'endpoint', step: '1h', customer: q.customer }) : '', 60);
	const spark = new Map((day.data?.series ?? []).map((s) => [s.key, s]));
	const none = list.rows?.length === 0;
	const filtered = !!(q.q || q.state || q.customer);
	const saved = (e: Endpoint) => {
		adding.value = '';
		added.value = e;
		set({ saved: e.id, add: '' });
		list.again();
		forgetNames();
	};
	return (
		<Page title="Webhooks" code={{ command: 'postrider endpoint list', curl: curlOf('GET', path) }}
			actions={<Act class="primary" missing={missing('create-alert-webhook-endpoint')} onClick={() => (adding.value = '1')}>Add</Act>}>
			{list.fault && !list.rows && <Wrong fault={list.fault} again={list.again} />}
			{added.value && <Added e={added.value} />}
			{(!none || filtered) && (
				<div class="filters">
					<Typed data-filter label="Filter by name, URL or event" placeholder="Name, URL, event" value={q.q ?? ''} typed={(text) => set({ q: text })} />
					{counts && counts.all! > 0 && <span class="ranges" role="group" aria-label="State">{(['all', 'failing', 'disabled', 'paused', 'active'] as const).filter((k) => k === 'all' || counts[k]! > 0).map((k) => (
						<button key={k} aria-pressed={(q.state || 'all') === k} onClick={() => set({ state: k === 'all' ? '' : k })}>{count(counts[k])} {k}</button>
					))}</span>}
					{q.customer && <span class="picked">of {q.customer} <button class="quiet" aria-label="Of any customer" onClick={() => set({ customer: '' })}>✕</button></span>}
				</div>
			)}
			{none && !filtered && <None />}
			{none && filtered && <Empty title="Nothing fits the filter"><button onClick={() => set({ q: '', state: '', customer: '' })}>Clear “{[q.q, q.state, q.customer].filter(Boolean).join(' ')}”</button></Empty>}
			{rows.length > 0 && (
				<Rows label="Webhooks" rows={rows} id={(e) => e.id} open={(e) => route(ui('/webhooks/' + e.id))} opened={q.saved} columns={[
					{ head: 'State', cell: (e) => <State is={e.enabled ? e.state : 'disabled'} /> },
					{ head: 'Webhook', grow: true, cell: (e) => <><a class="clip" title={e.name} href={ui('/webhooks/' + e.id)}>{e.name || <span class="dim">no name</span>}</a><span class="under clip" title={e.url}>{e.url}</span></> },
					...(operator.value ? [{ head: 'Customer', cell: (e: Endpoint) => e.customer }] : []),
					{ head: 'Events', cell: (e) => <span class="clip">{e.events.slice(0, 2).join(' ')}{e.events.length > 2 && ` +${e.events.length - 2}`}</span> },
					{ head: 'Last day', cell: (e) => <Spark s={spark.get(e.id)} steps={day.data?.steps ?? 24} /> },
					{ head: 'Success', number: true, cell: (e) => success(spark.get(e.id)) },
					{ head: 'Waiting', number: true, cell: (e) => (e.waiting ? <>{count(e.waiting)}<span class="under">{e.standing?.oldest_at && <When at={e.standing.oldest_at} />}</span></> : <span class="dim">0</span>) },
					{ head: 'On', cell: (e) => <Switch endpoint={e} changed={list.again} /> },
					{ head: 'Actions', cell: (e) => <a aria-label={`Edit ${e.name || e.url}`} href={ui('/webhooks/' + e.id + '?edit=1')}>Edit</a> },
				]} />
			)}
			<More more={list.more} />
			<Adding saved={saved} />
		</Page>
	);
}

/** success is how many of those that came to an end on the last day were delivered. */
function success(s?: Series) {
	const sum = (n: number[] = []) => n.reduce((a, b) => a + b, 0);
	const [good, bad] = [sum(s?.delivered), sum(s?.dead_lettered) + sum(s?.retrying)];
	if (good + bad === 0) return <span class="dim">–</span>;
	const share = (100 * good) / (good + bad);
	return <span class={share < 90 ? 'bad' : ''}>{share === 100 ? '100 %' : `${Math.min(99.9, share).toFixed(1)} %`}</span>;
}

/** None is what somebody sees who has no webhook yet. */
function None() {
	const recipes = useLoad<List<Recipe>>('/v1/recipes');
	const lacks = missing('create-alert-webhook-endpoint');
	return (
		<Empty title="No webhooks yet">
			<p>A webhook is where events are delivered to: a URL of yours, signed with a secret of its own.</p>
			<p><Act class="primary" missing={lacks} onClick={() => (adding.value = '1')}>Add a webhook</Act></p>
			{!lacks && recipes.data && <p class="recipes">or of a service: {recipes.data.items.map((r) => <button key={r.name} onClick={() => (adding.value = r.name)}>{r.title}</button>)}</p>}
		</Empty>
	);
}

/** Adding is the form of a new webhook: one's own, or by a recipe, which adding names. */
function Adding({ saved }: { saved: (e: Endpoint) => void }) {
	const named = adding.value;
	const known = useRef(signal<Recipe[] | null>(null)).current;
	// A form that is not there yet cannot have the focus.
	const open = useMemo(() => computed(() => adding.value === '1' || (adding.value !== '' && known.value !== null)), []);
	const recipes = useLoad<List<Recipe>>(named.length > 1 ? '/v1/recipes' : '');
	useEffect(() => void (recipes.data && (known.value = recipes.data.items)), [recipes.data]);
	const recipe = known.value?.find((r) => r.name === named);
	return (
		<Dialog open={open} close={() => (adding.value = '')} title={recipe ? `Add ${recipe.title}` : 'Add a webhook'} wide>
			{recipe ? <RecipeForm recipe={recipe} saved={saved} /> : <WebhookForm saved={saved} />}
		</Dialog>
	);
}

/** Added says that a webhook is there, and has its key for whoever asks now. */
function Added({ e }: { e: Endpoint }) {
	const [secret, show] = useSecret();
	return (
		<section class="note" role="status">
			<p><b>{e.name || e.url}</b> was added. {e.secret && !secret && <button onClick={() => show(e.secret!)}>Reveal Key</button>} <button class="quiet" aria-label="Close" onClick={() => (added.value = null)}>✕</button></p>
			{e.warnings?.map((w) => <p class="warn" key={w}>{w}</p>)}
			{secret && <KeyShown secret={secret} />}
		</section>
	);
}

/** Switch turns a webhook on and off; only enabled ones are notified. */
function Switch({ endpoint, changed }: { endpoint: Endpoint; changed: () => void }) {
	const [fault, set] = useState<Fault | null>(null);
	const lacks = missing('edit-alert-webhook-endpoint');
	const flip = async () => {
		try {
			await call('PATCH', '/v1/endpoints/' + endpoint.id, { enabled: !endpoint.enabled });
			set(null);
			changed();
		} catch (e) {
			set(e as Fault);
		}
	};
	return <input type="checkbox" role="switch" aria-label={`Deliver to ${endpoint.name || endpoint.url}`} checked={endpoint.enabled} disabled={!!lacks} title={fault?.message ?? lacks} onChange={() => void flip()} />;
}
