import { useEffect, useRef, useState } from 'preact/hooks';
import { call, Fault } from './api';

/** What a view asked for: the last good answer stays while a new one comes. */
export interface Loaded<T> {
	data?: T;
	fault?: Fault;
	at?: Date;
	again: () => void;
}

/** useLoad asks for path, and again every so many seconds (0: once); "" asks nothing. */
export function useLoad<T>(path: string, every = 0): Loaded<T> {
	const [state, set] = useState<{ path: string; data?: T; fault?: Fault; at?: Date }>({ path });
	const [turn, next] = useState(0);
	const running = useRef(0);
	useEffect(() => {
		if (!path) return;
		const mine = ++running.current;
		let timer = 0;
		// What the API calls wrong stays wrong: asking again is for what may pass.
		let refused = false;
		const ask = async () => {
			try {
				const data = await call<T>('GET', path);
				if (mine === running.current) set({ path, data, at: new Date() });
			} catch (e) {
				const { status } = e as Fault;
				refused = status >= 400 && status < 500 && status !== 429;
				if (mine === running.current) set((old) => ({ ...(old.path === path ? old : {}), path, fault: e as Fault }));
			}
			if (every && !refused && mine === running.current) timer = window.setTimeout(document.hidden ? wait : ask, every * 1000);
		};
		// A page that nobody looks at asks nothing.
		const wait = () => void (timer = window.setTimeout(document.hidden ? wait : ask, 1000));
		void ask();
		return () => {
			running.current++;
			clearTimeout(timer);
		};
	}, [path, every, turn]);
	const of = state.path === path ? state : { path };
	return { ...of, again: () => next((n) => n + 1) };
}
