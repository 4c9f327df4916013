import { useEffect, useState } from 'preact/hooks';

/** useSecond has a component drawn each second while there is a time to count down to. */
export function useSecond(until?: string): number {
	const [now, tick] = useState(Date.now());
	const left = until ? Date.parse(until) - now : 0;
	useEffect(() => {
		if (left <= 0) return;
		const t = setInterval(() => tick(Date.now()), 1000);
		return () => clearInterval(t);
	}, [until, left > 0]);
	return Math.max(now, Date.now());
}
