import { useState } from 'preact/hooks';
import { call, curlOf, Fault } from '../api';
import { useLoad } from '../load';
import { nameOf } from '../names';
import { Act } from '../parts/form';
import { Drawer, Facts, State, When, Wrong } from '../parts/list';
import { missing } from '../session';
import { ui } from '../settings';
import type { Attempt, Delivery } from '../types';
import { because, pretty, sentence } from '../words';

/** DeliveryDrawer is one delivery: its attempts, the answers, and what was sent. */
export function DeliveryDrawer({ id, close }: { id: string; close: () => void }) {
	const got = useLoad<Delivery>('/v1/deliveries/' + encodeURIComponent(id), 3);
	const [said, say] = useState('');
	const [fault, fail] = useState<Fault | null>(null);
	const d = got.data;
	const replay = () => call<{ id: string }>('POST', `/v1/deliveries/${encodeURIComponent(id)}/replay`).then(() => { say('Replayed: the new delivery is at the top of the list.'); fail(null); }, fail);
	return (
		<Drawer title={d?.event.type ?? 'Delivery'} close={close} code={{ command: 'postrider delivery show ' + id, curl: curlOf('GET', '/v1/deliveries/' + id) }}
			actions={d && <Act missing={missing('replay-deliveries')} data-key="r" onClick={() => void replay()}>Replay</Act>}>
			{(fault ?? (!d && got.fault)) && <Wrong fault={(fault ?? got.fault)!} />}
			<p class="good" role="status">{said}</p>
			{d && (
				<>
					<Facts facts={[['State', <><State is={d.state} /> {d.reason === 'status' ? `the receiver answered ${d.status}` : because(d.reason)}</>], ['Event', <code>{d.event.id}</code>], ['Delivery', <code>{d.id}</code>],
						['Webhook', d.endpoint && <a href={ui('/webhooks/' + d.endpoint)}>{nameOf(d.endpoint)}</a>], ['Since', <When at={d.created_at} />], ['Trace', d.trace_id && <code>{d.trace_id}</code>], ['Next attempt', d.next_attempt_at && <When at={d.next_attempt_at} />]]} />
					{d.attempts && d.attempts.length > 0 && <><h3>Attempts</h3>{d.attempts.map((a) => <Waterfall key={a.number + a.at} a={a} most={Math.max(...d.attempts!.map((x) => x.took_ms))} />)}</>}
					{d.request && <Exchange d={d} request={d.request} />}
					<h3>Body</h3>
					{d.body ? <pre tabIndex={0}>{pretty(d.body)}</pre> : <p class="dim">No body: {d.body_note}.</p>}
					{d.body && <Proof d={d} />}
				</>
			)}
		</Drawer>
	);
}

/** Exchange is the request, but for its body, and what the last attempt had for an answer, side by side. */
function Exchange({ d, request: r }: { d: Delivery; request: NonNullable<Delivery['request']> }) {
	const last = d.attempts?.at(-1);
	return (
		<>
			<div class="beside">
				<div><h3>Request</h3><pre tabIndex={0}>{`${r.method} ${r.url}\n${Object.entries(r.headers).sort().map(([k, v]) => `${k}: ${v}`).join('\n')}`}</pre></div>
				{last && <div><h3>Answer</h3><pre tabIndex={0}>{[last.status || because(last.reason) || 'none', last.answer].filter(Boolean).join('\n\n')}</pre></div>}
			</div>
			{last?.request_is === 'sent' && <p class="good">This is where it went, and with these headers: the webhook’s address and headers are what they were.</p>}
			{last?.request_is === 'changed' && <p class="warn">The webhook was edited since: the last attempt went to another address, or with other headers (revision {last.revision}). This is what would be sent now.</p>}
			{last?.request_is === 'unknown' && <p class="dim">By the webhook’s settings now; of what was sent nothing was kept.</p>}
			{!last && <p class="dim">Nothing was sent yet; this is what would be.</p>}
			<p class="hint">What may be a secret is masked (***): values of the webhook’s own headers, signatures, parts of the address.</p>
		</>
	);
}

/** Proof says whether the body shown is the one that was sent. */
function Proof({ d }: { d: Delivery }) {
	const sent = d.attempts?.findLast((a) => a.body_sha256)?.body_sha256;
	return (
		<>
			{d.body_is === 'sent' && <p class="good">This is what was sent: its SHA-256 is the one kept with the attempt.</p>}
			{d.body_is === 'changed' && <p class="warn">The webhook was edited since, and another body was sent. This is what it would be now.</p>}
			{d.body_is === 'unknown' && <p class="dim">{d.attempts?.length ? 'As the webhook renders it now; of what was sent no hash was kept.' : 'As the webhook renders it now; nothing was sent yet.'}</p>}
			{d.body_sha256 && <p class="hint">SHA-256 of {d.body_is === 'changed' ? 'this' : 'it'}: <code>{d.body_sha256}</code>{sent && sent !== d.body_sha256 && <><br />of what was sent: <code>{sent}</code></>}</p>}
		</>
	);
}

/** Waterfall is one attempt: how long each phase took, and what came back. */
function Waterfall({ a, most }: { a: Attempt; most: number }) {
	const phases = ([['DNS', a.dns_ms], ['connect', a.connect_ms], ['TLS', a.tls_ms], ['first byte', a.first_byte_ms]] as [string, number][]).filter(([, ms]) => ms >= 0.05);
	const whole = Math.max(most, 0.1);
	let at = 0;
	return (
		<details class="attempt" open={a.class !== 'delivered'}>
			<summary>
				<b>{a.number}</b> <span class={a.class === 'delivered' ? 'good' : 'bad'}>{a.status || a.reason}</span> <span class="dim">{a.took_ms.toFixed(1)} ms</span> <When at={a.at} />
				<svg class="fall" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label={phases.map(([n, ms]) => `${n} ${ms.toFixed(1)} ms`).join(', ') || `${a.took_ms.toFixed(1)} ms`}>
					<rect class="rest" x="0" y="0" width={(1000 * a.took_ms) / whole} height="10" />
					{phases.map(([n, ms]) => {
						const x = at;
						at += (1000 * ms) / whole;
						return <rect key={n} class={'p-' + n.replace(' ', '')} x={x} y="0" width={(1000 * ms) / whole} height="10" />;
					})}
				</svg>
			</summary>
			<p>{phases.map(([n, ms]) => `${n} ${ms.toFixed(1)} ms`).join(', ')}</p>
			{(a.reason || a.detail) && <p>{sentence([a.reason === 'status' && a.detail ? '' : because(a.reason), a.detail].filter(Boolean).join(', '))}</p>}
			{a.resent && <p>Sent a second time at once: the kept connection had ended.</p>}
			{a.answer && <pre tabIndex={0}>{a.answer}</pre>}
			{a.next_attempt_at && <p>Next attempt <When at={a.next_attempt_at} /></p>}
		</details>
	);
}
