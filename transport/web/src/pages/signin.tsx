import { useState } from 'preact/hooks';
import { Fault } from '../api';
import { Field, Unplaced } from '../parts/form';
import { signIn } from '../session';
import { settings } from '../settings';

/** What came of signing in elsewhere, by the word in the address. */
const words: Record<string, string> = {
	again: 'That took too long, or was begun in another browser. Sign in again.',
	refused: 'Your organisation’s sign-in did not let you in. The node’s log says why.',
	nobody: 'You are signed in there, but have no customer or no role here. Ask whoever runs this node.',
	away: 'Your organisation’s sign-in does not answer. Try again, or use a token.',
};

/** SignIn takes a token; a development node's own link needs none. */
export function SignIn({ again }: { again: boolean }) {
	const [token, type] = useState('');
	const [fault, set] = useState<Fault | null>(null);
	const [busy, wait] = useState(false);
	const said = words[new URLSearchParams(location.hash.slice(1)).get('signin') ?? ''];
	const submit = async (e: Event) => {
		e.preventDefault();
		wait(true);
		try {
			await signIn({ token: token.trim() });
		} catch (e) {
			set(new Fault((e as Fault).status, (e as Fault).message, 'token'));
			wait(false);
		}
	};
	return (
		<main class="signin">
			<h1>Postrider</h1>
			{again && <p class="banner" role="status">The session has ended. Sign in again.</p>}
			{said && <p class="wrong" role="alert">{said}</p>}
			{settings.provider && <p><a class="button primary" href={settings.base + '/v1/signin/oidc?to=' + encodeURIComponent(location.pathname + location.search)}>Sign in with your organisation</a></p>}
			<form onSubmit={(e) => void submit(e)}>
				<Unplaced fault={fault} fields={['token']} />
				<Field label="Token" name="token" fault={fault} hint={<>Made by <code>postrider token --customer acme --role admin</code></>}>
					<input type="password" autocomplete="off" autofocus required value={token} onInput={(e) => type(e.currentTarget.value)} />
				</Field>
				<button class="primary" type="submit" disabled={busy}>Sign in</button>
			</form>
			{settings.dev && <p class="hint">This is a development node: it prints a sign-in link when it starts.</p>}
		</main>
	);
}
