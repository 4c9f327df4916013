import { signal } from '@preact/signals';
import { useLocation, useRoute } from 'preact-iso';
import { useEffect, useState } from 'preact/hooks';
import { answer, call, curlOf, Fault, query } from '../api';
import { forgetNames } from '../names';
import { Dialog } from '../parts/dialog';
import { useSecond } from '../parts/countdown';
import { Act } from '../parts/form';
import { Facts, State, When, Wrong } from '../parts/list';
import { Page } from '../parts/shell';
import { missing } from '../session';
import { ui } from '../settings';
import type { Endpoint } from '../types';
import { plural, span } from '../words';
import { schemeOf } from '../verify';
import { Changes, changesOf } from './changes';
import { DeliveryList } from './deliverylist';
import { Key } from './key';
import { Exchange, Tried, Verdict } from './tested';
import { TrialPane } from './trial';
import { VerifyTab } from './verifytab';
import { WebhookForm } from './webhookform';
import { why } from './why';

const editing = signal(false);
const removing = signal(false);
const tabs = ['Deliveries', 'Settings', 'Key', 'Verify', 'Test', 'Try on events', 'Changes'] as const;

/** Webhook: why it is as it is, in words, and all that can be done with it. */
export function Webhook() {
	const { params } = useRoute();
	const { query: q, path, route } = useLocation();
	const id = params.id!;
	const [got, set] = useState<{ e: Endpoint; etag: string } | null>(null);
	const [fault, fail] = useState<Fault | null>(null);
	const load = () => answer<Endpoint>('GET', '/v1/endpoints/' + id).then((a) => { set({ e: a.body, etag: a.etag }); fail(null); }, fail);
	useEffect(() => {
		void load();
		const t = setInterval(() => document.hidden || void load(), 3000);
		return () => clearInterval(t);
	}, [id]);
	const act = (what: string) => async () => {
		try {
			await call('POST', `/v1/endpoints/${id}/${what}`);
			await load();
		} catch (e) {
			fail(e as Fault);
		}
	};
	// The list's Edit leads here.
	useEffect(() => {
		if (!q.edit || !got) return;
		editing.value = !lacks;
		route(path + query({ ...q, edit: undefined }), true);
	}, [q.edit, !got]);
	const lacks = missing('edit-alert-webhook-endpoint');
	const s = got?.e.standing;
	const now = useSecond(s?.breaker === 'open' ? s.open_until : s?.held_until);
	if (!got) return <Page title="Webhook">{fault && <Wrong fault={fault} again={() => void load()} />}</Page>;
	const e = got.e;
	const tab = tabs.find((t) => t === q.tab) ?? 'Deliveries';
	const stopped = e.state === 'paused' || e.state === 'disabled';
	return (
		<Page title={e.name || e.url} code={codeOf(tab, e)}
			actions={<>
				<Act missing={lacks} data-key="p" onClick={() => void act(stopped ? 'resume' : 'pause')()}>{stopped ? 'Resume' : 'Pause'}</Act>
				<Act missing={lacks} onClick={() => (editing.value = true)}>Edit</Act>
				<Act missing={missing('external-api-delete-alert-webhook-endpoint')} onClick={() => (removing.value = true)}>Remove</Act>
			</>}>
			{fault && <Wrong fault={fault} />}
			<section class="why">
				<p><State is={e.enabled ? e.state : 'disabled'} /> <span class="clip dim">{e.url}</span></p>
				{why(e, now).map((line, i) => <p key={line} class={i === 0 ? 'sentence' : ''}>{line}</p>)}
			</section>
			<div class="tabs" role="tablist">
				{tabs.map((t) => <a key={t} role="tab" aria-selected={t === tab} href={`${path}?tab=${t}`}>{t}</a>)}
			</div>
			{tab === 'Deliveries' && <DeliveryList fixed={{ endpoint: e.id }} />}
			{tab === 'Settings' && <Settings e={e} />}
			{tab === 'Key' && <Key e={e} rotate />}
			{tab === 'Verify' && <VerifyTab e={e} />}
			{tab === 'Test' && <Test e={e} />}
			{tab === 'Try on events' && <TrialPane id={e.id} change={{}} />}
			{tab === 'Changes' && <Changes path={changesOf({ kind: 'endpoint', target: e.id })} />}
			<Dialog open={editing} title="Edit webhook" wide>
				<WebhookForm endpoint={e} etag={got.etag} saved={() => { editing.value = false; void load(); forgetNames(); }} />
				<hr />
				<Key e={e} />
			</Dialog>
			<Dialog open={removing} title="Remove this webhook?">
				<p><b>{e.name || e.url}</b> is removed with its key and its settings.</p>
				<p>{e.waiting > 0 ? `${plural(e.waiting, 'event waits', 'events wait')} for it and will become dead letters.` : 'Nothing waits for it.'}</p>
				<p class="buttons">
					<button class="danger" onClick={() => void call('DELETE', '/v1/endpoints/' + e.id).then(() => { removing.value = false; route(ui('/webhooks')); }, (f: Fault) => { removing.value = false; fail(f); })}>Remove</button>
					<button onClick={() => (removing.value = false)}>Keep</button>
				</p>
			</Dialog>
		</Page>
	);
}

function Settings({ e }: { e: Endpoint }) {
	const d = e.delivery;
	return <Facts facts={[
		['Id', <code>{e.id}</code>], ['Customer', e.customer], ['Description', e.description], ['Profile', [e.profile, e.version].filter(Boolean).join(' ')], ['Body', e.format],
		['Events', e.events.join(' ')], ['Filter', e.filter && <code>{e.filter}</code>], ['Headers', Object.keys(e.headers ?? {}).join(', ')],
		['Custom body', e.body !== undefined && <pre>{JSON.stringify(e.body, null, 2)}</pre>],
		['Signature', [e.signature.scheme, e.signature.header, e.signature.algorithm, e.signature.encoding].filter(Boolean).join(' ')],
		['Delivered', d.success], ['Time limit', span(d.timeout)], ['At once', d.concurrency], ['Rate', d.rate ? `${d.rate} a second, burst ${d.burst}` : 'no limit'],
		['Retries', d.retries ? d.schedule.map(span).join(', ') : 'none'], ['In order', d.ordered ? 'yes' : 'no'], ['Older than', d.max_age && `${span(d.max_age)} is skipped`],
		['Created', <When at={e.created_at} />], ['Changed', <When at={e.updated_at} />],
	]} />;
}

function Test({ e }: { e: Endpoint }) {
	const [got, set] = useState<Tried | null>(null);
	const [fault, fail] = useState<Fault | null>(null);
	const [busy, wait] = useState(false);
	const send = () => {
		wait(true);
		call<Tried>('POST', `/v1/endpoints/${e.id}/test`, {}).then((a) => { set(a); fail(null); }, fail).finally(() => wait(false));
	};
	return (
		<section>
			<p><Act class="primary" busy={busy} missing={missing('test-alert-webhook-endpoint')} onClick={send}>{busy ? 'Sending…' : 'Send a test'}</Act> <span class="hint">One signed sample, now. It is not in the log of deliveries.</span></p>
			{fault && <Wrong fault={fault} />}
			{got && <><Verdict of={got} /><Exchange of={got} /></>}
		</section>
	);
}

/** codeOf is how a program asks for what a tab shows. */
function codeOf(tab: string, e: Endpoint): { command?: string; curl: string } {
	const one = '/v1/endpoints/' + e.id;
	switch (tab) {
		case 'Settings': return { command: `postrider endpoint show ${e.id}`, curl: curlOf('GET', one) };
		case 'Key': return { command: `postrider endpoint secret ${e.id}`, curl: curlOf('GET', one + '/secret') };
		case 'Verify': return { command: `postrider verify --secret "$SECRET" --header "${schemeOf(e.signature).header}=$SIGNATURE" body.json`, curl: curlOf('GET', one + '/secret') };
		case 'Test': return { command: `postrider endpoint test ${e.id}`, curl: curlOf('POST', one + '/test', {}) };
		case 'Changes': return { curl: curlOf('GET', changesOf({ kind: 'endpoint', target: e.id })) };
		case 'Try on events': return { curl: curlOf('POST', '/v1/endpoints/preview', { id: e.id }) };
	}
	return { command: `postrider delivery list --endpoint ${e.id}`, curl: curlOf('GET', '/v1/deliveries?endpoint=' + e.id) };
}
