/** What a signature is checked with: as an endpoint's settings say. */
export interface Scheme {
	scheme: string;
	header?: string;
	algorithm?: string;
	encoding?: string;
	prefix?: string;
}

export interface Verdict {
	good: boolean;
	/** In words, what was found. */
	says: string;
	/** What the bytes that came should have been signed as. */
	expected?: string;
}

const hashes: Record<string, string> = { sha1: 'SHA-1', sha256: 'SHA-256', sha512: 'SHA-512' };
const defaults: Record<string, Scheme> = {
	sequr: { scheme: 'sequr', header: 'X-Sequr-Signature', algorithm: 'sha1', encoding: 'hex', prefix: 'sha1=' },
	genlogs: { scheme: 'genlogs', header: 'X-GenLogs-Signature', algorithm: 'sha512', encoding: 'hex', prefix: 'sha512=' },
	standard: { scheme: 'standard', header: 'webhook-signature', algorithm: 'sha256', encoding: 'base64', prefix: 'v1,' },
	hmac: { scheme: 'hmac', header: 'X-Signature', algorithm: 'sha256', encoding: 'hex', prefix: '' },
};

export const schemeOf = (s: Scheme): Scheme => {
	const d = defaults[s.scheme] ?? defaults.hmac!;
	return { scheme: s.scheme, header: s.header || d.header, algorithm: s.algorithm || d.algorithm, encoding: s.encoding || d.encoding, prefix: s.prefix || d.prefix };
};

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

function keyOf(secret: string): Uint8Array<ArrayBuffer> | null {
	if (!secret.startsWith('whsec_')) return bytes(secret);
	try {
		return Uint8Array.from(atob(secret.slice(6)), (c) => c.charCodeAt(0));
	} catch {
		return null;
	}
}

async function sign(key: Uint8Array<ArrayBuffer>, s: Scheme, what: Uint8Array<ArrayBuffer>): Promise<string> {
	const k = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: hashes[s.algorithm!] ?? 'SHA-256' }, false, ['sign']);
	const mac = new Uint8Array(await crypto.subtle.sign('HMAC', k, what));
	return s.prefix + (s.encoding === 'base64' ? btoa(String.fromCharCode(...mac)) : [...mac].map((b) => b.toString(16).padStart(2, '0')).join(''));
}

/** The beginning of an ed25519 private key in PKCS #8 (RFC 8410), before its 32 bytes. */
const pkcs8 = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

const decoded = (base64: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

/** edKey is the public key that a whpk_ or whsk_ key has; an error in words where it has none. */
async function edKey(key: string): Promise<CryptoKey | string> {
	let raw: Uint8Array<ArrayBuffer>;
	try {
		raw = decoded(key.slice(5));
	} catch {
		return `What follows ${key.slice(0, 5)} is not base64: copy the whole key.`;
	}
	if (raw.length !== 32 && !(raw.length === 64 && key.startsWith('whsk_'))) return `What follows ${key.slice(0, 5)} is not an ed25519 key: copy the whole key.`;
	try {
		if (raw.length === 64) raw = raw.slice(32);
		else if (key.startsWith('whsk_')) {
			const own = await crypto.subtle.importKey('pkcs8', new Uint8Array([...pkcs8, ...raw]), { name: 'Ed25519' }, true, ['sign']);
			const { x } = await crypto.subtle.exportKey('jwk', own);
			raw = decoded(x!.replace(/-/g, '+').replace(/_/g, '/'));
		}
		return await crypto.subtle.importKey('raw', raw, { name: 'Ed25519' }, false, ['verify']);
	} catch (why) {
		if ((why as Error).name !== 'NotSupportedError') throw why;
		return 'This browser does not check ed25519 signatures; newer ones do, and so does postrider verify.';
	}
}

/** edVerdict is verify for a key of ed25519. */
async function edVerdict(secret: string, values: string[], before: string, body: string): Promise<Verdict> {
	const key = await edKey(secret.trim());
	if (typeof key === 'string') return { good: false, says: key };
	const ours = values.filter((v) => v.startsWith('v1a,'));
	if (ours.length === 0) return { good: false, says: 'The header has no signature that begins with v1a, as those with an ed25519 key do.' };
	const fits = async (text: string) => {
		for (const v of ours) {
			try {
				if (await crypto.subtle.verify({ name: 'Ed25519' }, key, decoded(v.slice(4)), bytes(before + text))) return true;
			} catch {
				// not base64
			}
		}
		return false;
	};
	if (await fits(body)) return { good: true, says: 'It fits: this body was signed with this key.' };
	const why = await slipOf(body, fits);
	return { good: false, says: why ? `It does not fit, because ${why}.` : 'It does not fit: another key, or another body than the one that came. Compare byte by byte.' };
}

/** slipOf is the change of the body without which it would fit; "": none is known. */
async function slipOf(body: string, fits: (text: string) => Promise<boolean>): Promise<string> {
	for (const [why, change] of slips) {
		try {
			const other = change(body);
			if (other !== body && (await fits(other))) return why;
		} catch {
			// a body that is not JSON
		}
	}
	return '';
}

/** headers reads lines of "Name: value". */
export function headers(text: string): Map<string, string> {
	const all = new Map<string, string>();
	for (const line of text.split('\n')) {
		const at = line.indexOf(':');
		if (at > 0) all.set(line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim());
	}
	return all;
}

/** Changes that receivers make to a body before they verify, without meaning to. */
const slips: [string, (body: string) => string][] = [
	['a line end was added behind the body', (b) => b.replace(/\r?\n$/, '')],
	['a line end was taken from the body', (b) => b + '\n'],
	['blanks were added at the body’s ends', (b) => b.trim()],
	['the body was parsed and written again: verify the bytes that came', (b) => JSON.stringify(JSON.parse(b))],
];

/** verify tells whether what was received fits the secret, and if not why, all within the browser: nothing is sent. */
export async function verify(settings: Scheme, secret: string, head: string, body: string): Promise<Verdict> {
	const s = schemeOf(settings);
	if (s.scheme === 'none') return { good: false, says: 'Deliveries to this webhook are not signed.' };
	const all = headers(head);
	const given = all.get(s.header!.toLowerCase()) ?? (all.size === 0 && head.trim() ? head.trim() : '');
	if (!given) return { good: false, says: `There is no ${s.header} among the headers.` };
	const before = s.scheme === 'standard' ? signedBefore(all) : '';
	if (before === null) return { good: false, says: 'webhook-id and webhook-timestamp are signed too: paste these headers as well.' };
	const values = given.split(/\s+/);
	if (/^\s*wh[ps]k_/.test(secret)) return edVerdict(secret, values, before, body);
	if (s.scheme === 'standard' && values.every((v) => v.startsWith('v1a,'))) return { good: false, says: 'It is signed with ed25519, and this is no such key: take the public one (whpk_…).' };
	const key = keyOf(secret);
	if (!key) return { good: false, says: 'What follows whsec_ is not base64: copy the whole key.' };
	const fits = async (k: Uint8Array<ArrayBuffer>, text: string) => values.includes(await sign(k, s, bytes(before + text)));
	if (await fits(key, body)) return { good: true, says: 'It fits: this body was signed with this key.' };
	const expected = await sign(key, s, bytes(before + body));
	const why = await slipOf(body, (text) => fits(key, text));
	if (why) return { good: false, says: `It does not fit, because ${why}.`, expected };
	if (secret !== secret.trim() && (await fits(keyOf(secret.trim())!, body))) return { good: false, says: 'It does not fit, because the key has blanks at its ends.', expected };
	if (secret.startsWith('whsec_') && (await fits(bytes(secret), body))) return { good: false, says: 'It was signed with the text of the key; what follows whsec_ is to be decoded from base64.', expected };
	if (values.every((v) => !v.startsWith(s.prefix!))) return { good: false, says: `The header does not begin with ${s.prefix}.`, expected };
	return { good: false, says: 'It does not fit: another key, or another body than the one that came. Compare byte by byte.', expected };
}

function signedBefore(all: Map<string, string>): string | null {
	const id = all.get('webhook-id'), at = all.get('webhook-timestamp');
	return id && at ? `${id}.${at}.` : null;
}
