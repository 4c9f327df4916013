import { useState } from 'preact/hooks';
import { Copy } from '../parts/code';
import type { Endpoint } from '../types';
import { schemeOf, verify, Verdict } from '../verify';
import { samples } from './samples';

/** VerifyTab shows how to verify in some languages, with this webhook's header, and checks what somebody received. */
export function VerifyTab({ e }: { e: Endpoint }) {
	const s = schemeOf(e.signature);
	const all = samples(s);
	const [language, choose] = useState(0);
	const [v, set] = useState({ secret: e.public_key ?? '', head: '', body: '' });
	const [verdict, tell] = useState<Verdict | null>(null);
	const put = (k: keyof typeof v) => (ev: { currentTarget: { value: string } }) => {
		const { value } = ev.currentTarget;
		set((old) => ({ ...old, [k]: value }));
		tell(null);
	};
	const check = async (ev: Event) => {
		ev.preventDefault();
		try {
			tell(await verify(e.signature, v.secret, v.head, v.body));
		} catch (why) {
			tell({ good: false, says: globalThis.crypto?.subtle ? (why as Error).message : 'A browser computes signatures on https pages and on this machine only: use postrider verify.' });
		}
	};
	if (s.scheme === 'none') return <p>Deliveries to this webhook are not signed.</p>;
	return (
		<div class="beside">
			<section>
				<h2>In your program</h2>
				{e.public_key ? <><p>The header <code>{s.header}</code> has <code>v1a,</code> and the ed25519 signature, in base64, of the id, the timestamp and the body, with dots between. Verify the bytes as they came, by the public key:</p><Copy label="Public key" text={e.public_key} /></> : <>
				<p>The header <code>{s.header}</code> has {s.prefix && <><code>{s.prefix}</code> and </>}the HMAC-{s.algorithm?.toUpperCase()}, in {s.encoding}, of {s.scheme === 'standard' ? <>the id, the timestamp and the body, with dots between</> : 'the body'}. Verify the bytes as they came.</p>
				<div class="ranges" role="group" aria-label="Language">{all.map(([name], i) => <button key={name} aria-pressed={i === language} onClick={() => choose(i)}>{name}</button>)}</div>
				<Copy label={all[language]![0]} text={all[language]![1]} /></>}
			</section>
			<section>
				<h2>What you received</h2>
				<form onSubmit={(ev) => void check(ev)}>
					<div class="field"><label><span>Key</span><input type="password" autocomplete="off" required value={v.secret} onInput={put('secret')} /></label><p class="hint">It stays in this browser: nothing of this is sent.</p></div>
					<div class="field"><label><span>Headers</span><textarea class="code" rows={4} required value={v.head} onInput={put('head')} placeholder={s.scheme === 'standard' ? 'webhook-id: …\nwebhook-timestamp: …\nwebhook-signature: v1,…' : `${s.header}: ${s.prefix}…`} /></label></div>
					<div class="field"><label><span>Body</span><textarea class="code" rows={6} value={v.body} onInput={put('body')} /></label></div>
					<p class="buttons"><button class="primary" type="submit">Check the signature</button></p>
				</form>
				<div role="status">{verdict && <><p class={verdict.good ? 'good' : 'wrong'}>{verdict.says}</p>{verdict.expected && <Copy label="What it would be for this key and body" text={verdict.expected} />}</>}</div>
			</section>
		</div>
	);
}
