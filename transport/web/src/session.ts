import { computed, signal } from '@preact/signals';
import { call, Fault, signedOut } from './api';

/** Who is signed in. */
export interface Session {
	subject: string;
	customer?: string;
	roles: string[];
	expires_at?: string;
	version: string;
}

/** undefined: not known yet; null: nobody. */
export const session = signal<Session | null | undefined>(undefined);
export const operator = computed(() => session.value?.roles.includes('operator') ?? false);

/** may tells whether the session has one of roles; admins and operators have all. */
export const may = (...roles: string[]): boolean => {
	const has = session.value?.roles ?? [];
	return has.includes('admin') || has.includes('operator') || roles.some((r) => has.includes(r));
};

/** missing is what a button says that the session may not press; "": it may. */
export const missing = (role: string): string => (may(role) ? '' : `needs the role ${role === 'admin' ? 'admin' : `admin or ${role}`}`);

/** loadSession finds out who is signed in; a code in the address signs in first. */
export async function loadSession(): Promise<void> {
	const code = new URLSearchParams(location.hash.slice(1)).get('code');
	if (code) {
		history.replaceState(null, '', location.pathname + location.search);
		try {
			await signIn({ code });
			return;
		} catch {
			// a link that was used: the session of its first use may still hold
		}
	}
	try {
		session.value = await call<Session>('GET', '/v1/session');
	} catch (e) {
		session.value = e instanceof Fault && e.status !== 401 ? undefined : null;
		if (session.value === undefined) setTimeout(loadSession, 2000);
	}
}

export async function signIn(how: { token: string } | { code: string }): Promise<void> {
	const who = await call<Session>('POST', '/v1/session', how);
	signedOut.value = false;
	session.value = who;
}

export async function signOut(): Promise<void> {
	await call('DELETE', '/v1/session');
	session.value = null;
}
