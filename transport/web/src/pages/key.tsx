import { useEffect, useState } from 'preact/hooks';
import { call, Fault } from '../api';
import { Copy } from '../parts/code';
import { Act } from '../parts/form';
import { Wrong } from '../parts/list';
import { missing } from '../session';
import type { Endpoint } from '../types';

/** How long a key is shown. */
const shownFor = 60_000;

/** useSecret keeps a key for a minute, and no longer. */
export function useSecret(): [string, (secret: string) => void] {
	const [secret, set] = useState('');
	useEffect(() => {
		if (!secret) return;
		const t = setTimeout(() => set(''), shownFor);
		return () => clearTimeout(t);
	}, [secret]);
	return [secret, set];
}

export function KeyShown({ secret }: { secret: string }) {
	return <Copy label="Key (hidden again after a minute)" text={secret} />;
}

/** Key reveals a webhook's secret to admins, and rotates it. */
export function Key({ e, rotate }: { e: Endpoint; rotate?: boolean }) {
	const [secret, set] = useSecret();
	const [fault, fail] = useState<Fault | null>(null);
	const ask = (method: string, path: string) => call<{ secret: string }>(method, `/v1/endpoints/${e.id}/${path}`, method === 'POST' ? {} : undefined).then((a) => { set(a.secret); fail(null); }, fail);
	if (e.signature.scheme === 'none') return <p>Deliveries to this webhook are not signed.</p>;
	return (
		<section>
			{fault && <Wrong fault={fault} />}
			{secret ? <KeyShown secret={secret} /> : rotate && <p class="dim">Receivers verify the signature with this key.</p>}
			<p class="buttons">
				<Act missing={missing('admin')} onClick={() => void ask('GET', 'secret')}>Reveal Key</Act>
				{rotate && <Act missing={missing('admin')} onClick={() => void ask('POST', 'rotate')}>Rotate</Act>}
			</p>
			{rotate && <p class="hint">Rotate gives a new key; the old one goes on signing beside it for 24 hours.</p>}
		</section>
	);
}
