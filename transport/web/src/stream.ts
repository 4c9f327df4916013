import { useEffect, useRef } from 'preact/hooks';
import { call } from './api';
import { settings } from './settings';

/** What one event of GET /v1/stream holds: things that came or changed, and how many more there were. */
export interface Part<T> {
	items: T[];
	more: number;
}

export type Heard = Partial<Record<'deliveries' | 'endpoints' | 'replays' | 'runs', (part: Part<never>) => void>> & {
	/** The stream begins, or begins again after a break: what was missed is to be asked for. */
	open: () => void;
};

/**
 * useStream follows path (of GET /v1/stream; "": nothing) for as long as the page is looked at: a browser has few
 * connections to a host, and a page that nobody sees needs none.
 */
export function useStream(path: string, heard: Heard): void {
	const now = useRef(heard);
	now.current = heard;
	useEffect(() => {
		if (!path) return;
		let source: EventSource | null = null;
		let again = 0;
		const close = () => {
			clearTimeout(again);
			source?.close();
			source = null;
		};
		const open = () => {
			close();
			if (document.hidden) return;
			const s = (source = new EventSource(settings.base + path));
			s.addEventListener('open', (e) => e instanceof MessageEvent && now.current.open());
			for (const kind of ['deliveries', 'endpoints', 'replays', 'runs'] as const)
				s.addEventListener(kind, (e) => now.current[kind]?.(JSON.parse((e as MessageEvent<string>).data) as Part<never>));
			// The token may have ended: then asking who is signed in says so, and the page with it.
			s.addEventListener('end', () => void call('GET', '/v1/info').catch(() => {}));
			s.onerror = () => {
				// Asking for anything says whether it is the node that is away.
				void call('GET', '/v1/info').catch(() => {});
				if (s.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
				now.current.open(); // lists stay right without a stream, only slower
				again = window.setTimeout(open, 10_000);
			};
		};
		const look = () => (document.hidden ? close() : source ?? open());
		open();
		document.addEventListener('visibilitychange', look);
		return () => {
			document.removeEventListener('visibilitychange', look);
			close();
		};
	}, [path]);
}
