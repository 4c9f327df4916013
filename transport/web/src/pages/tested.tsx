import { because } from '../words';

/** What a test sent, and what came back. */
export interface Tried {
	success: boolean;
	request: { method: string; url: string; headers?: Record<string, string>; body?: string };
	answer: { status: number; reason: string; detail: string; body?: string };
	timings: { total_ms: number };
}

/** Verdict says in one line what came of a test. */
export function Verdict({ of: { success, answer: a, timings } }: { of: Tried }) {
	const why = [a.status ? String(a.status) : '', a.status && a.reason === 'status' ? '' : because(a.reason)].filter(Boolean).join(' ');
	return <p class={success ? 'good' : 'wrong'} role="status">{success ? `Accepted: ${a.status} in ${Math.round(timings.total_ms)} ms` : `Not accepted: ${[why, a.detail].filter(Boolean).join('. ')}`}</p>;
}

/** Exchange shows what was sent and what came back, side by side. */
export function Exchange({ of: { request: r, answer: a } }: { of: Tried }) {
	return (
		<div class="beside">
			<div><h3>Request</h3><pre tabIndex={0}>{`${r.method} ${r.url}\n${Object.entries(r.headers ?? {}).map(([k, v]) => `${k}: ${v}`).join('\n')}\n\n${r.body ?? ''}`}</pre></div>
			<div><h3>Answer</h3><pre tabIndex={0}>{a.body || '(no body)'}</pre></div>
		</div>
	);
}
