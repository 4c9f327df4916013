import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useLocation } from 'preact-iso';
import { useEffect, useRef, useState } from 'preact/hooks';
import { call, Fault, List, query } from '../api';
import { ago, exact } from '../words';
import { Code } from './code';

/** One clock for all times that are shown. */
const now = signal(Date.now());
setInterval(() => document.hidden || (now.value = Date.now()), 5000);

/** When shows a time as people say it, and exactly on hover. */
export function When({ at }: { at?: string }) {
	return at ? <time dateTime={at} title={exact(at)}>{ago(at, Math.max(now.value, Date.now()))}</time> : <span class="dim">–</span>;
}

const shapes: Record<string, string> = {
	active: '●', working: '●', ready: '●', delivered: '●', done: '●', finished: '●', closed: '●',
	waiting: '◔', retrying: '◔', running: '◔', accepted: '◔', probing: '◔', draining: '◔', paused: '◫', drained: '◇',
	failing: '▲', failed: '▲', open: '▲', throttled: '▲', dead_lettered: '■', disabled: '■', cancelled: '◇', skipped: '◇',
};

/** State is a shape, a word and a colour. */
export function State({ is }: { is: string }) {
	return <span class={`state ${is}`}><span aria-hidden="true">{shapes[is] ?? '○'}</span> {is.replace('_', '-')}</span>;
}

/** Wrong says what failed, with what the API said of it. */
export function Wrong({ fault, again }: { fault: Fault; again?: () => void }) {
	return <div class="wrong" role="alert"><p>{fault.message}</p>{again && <button onClick={again}>Try again</button>}</div>;
}

/** Empty says that there is nothing, why, and what to do. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
	return <div class="empty"><h2>{title}</h2>{children}</div>;
}

/** useQuery keeps a list's filter in the address, so that a view can be sent to a colleague. */
export function useQuery(): [Record<string, string>, (change: Record<string, string>) => void] {
	const { query: given, path, route } = useLocation();
	const set = (change: Record<string, string>) => {
		const next = { ...given, ...change };
		route(path + query(next), true);
	};
	return [given, set];
}

export interface Column<T> {
	head: string;
	cell: (row: T) => ComponentChildren;
	number?: boolean;
	grow?: boolean;
	/** Its head is read to those who listen, and not shown. */
	unseen?: boolean;
	/** Left out while something is open beside the list. */
	spare?: boolean;
}

const kind = <T,>(c: Column<T>): string => [c.number && 'number', c.grow && 'growing', c.spare && 'spare'].filter(Boolean).join(' ');

/** Rows is a table whose rows open something; on a narrow screen each is a card. */
export function Rows<T>({ rows, columns, id, open, opened, label }: { rows: T[]; columns: Column<T>[]; id: (row: T) => string; open?: (row: T) => void; opened?: string; label: string }) {
	const key = (row: T) => (e: KeyboardEvent) => {
		if (e.key === 'Enter' && e.target === e.currentTarget) open?.(row);
	};
	return (
		<div class="scroll">
			<table aria-label={label}>
				<thead><tr>{columns.map((c) => <th key={c.head} scope="col" class={kind(c)}>{c.unseen ? <span class="unseen">{c.head}</span> : c.head}</th>)}</tr></thead>
				<tbody>
					{rows.map((row) => (
						<tr key={id(row)} data-row tabIndex={open ? 0 : undefined} class={open ? 'opens' : ''} aria-current={opened === id(row) ? 'true' : undefined}
							onClick={(e) => !(e.target as HTMLElement).closest('a,button,input,label') && open?.(row)} onKeyDown={key(row)}>
							{columns.map((c) => <td key={c.head} data-head={c.unseen ? undefined : c.head} class={kind(c)}>{c.cell(row)}</td>)}
						</tr>
					))}
				</tbody>
			</table>
		</div>
	);
}

/** Typed is a field that tells what was typed once the typing rests. */
export function Typed({ label, value, typed, placeholder }: { label: string; value: string; typed: (text: string) => void; placeholder: string; 'data-filter'?: boolean }) {
	const wait = useRef(0);
	useEffect(() => () => clearTimeout(wait.current), []);
	return <input data-filter type="search" aria-label={label} placeholder={placeholder} value={value} onInput={(e) => {
		const text = e.currentTarget.value;
		clearTimeout(wait.current);
		wait.current = window.setTimeout(() => typed(text), 200);
	}} />;
}

/** usePages reads a list page by page; what is there stays while more comes; "" asks nothing. */
export function usePages<T>(path: string): { rows?: T[]; first?: Record<string, unknown>; fault?: Fault; more?: () => void; again: () => void } {
	const [state, set] = useState<{ path: string; rows?: T[]; first?: Record<string, unknown>; next?: string; fault?: Fault }>({ path });
	const [turn, next] = useState(0);
	useEffect(() => {
		let current = true;
		if (!path) return;
		call<List<T>>('GET', path).then(
			(l) => current && set({ path, rows: l.items, first: l as unknown as Record<string, unknown>, next: l.next_cursor }),
			(fault: Fault) => current && set((old) => ({ ...(old.path === path ? old : {}), path, fault })),
		);
		return () => void (current = false);
	}, [path, turn]);
	const of = state.path === path ? state : { path };
	const more = of.next
		? async () => {
				try {
					const l = await call<List<T>>('GET', path + (path.includes('?') ? '&' : '?') + 'cursor=' + encodeURIComponent(of.next!));
					set((old) => ({ ...old, path, rows: [...(old.rows ?? []), ...l.items], next: l.next_cursor }));
				} catch (e) {
					set((old) => ({ ...old, fault: e as Fault }));
				}
			}
		: undefined;
	return { rows: of.rows, first: of.first, fault: of.fault, more: more && (() => void more()), again: () => next((n) => n + 1) };
}

export function More({ more }: { more?: () => void }) {
	return more ? <p class="more"><button onClick={more}>More</button></p> : null;
}

/** Drawer shows one thing beside the list, which stays; on a narrow screen it is a page. */
export function Drawer({ title, close, children, actions, code }: { title: ComponentChildren; close: () => void; children: ComponentChildren; actions?: ComponentChildren; code?: { curl: string; command?: string } }) {
	useEffect(() => {
		const key = (e: KeyboardEvent) => e.key === 'Escape' && !document.querySelector('dialog[open]') && close();
		addEventListener('keydown', key);
		return () => removeEventListener('keydown', key);
	}, [close]);
	return (
		<aside class="drawer" aria-label="Detail">
			<div class="head"><h2>{title}</h2><span class="grow" />{code && <Code {...code} />}{actions}<button class="quiet" aria-label="Close" onClick={close}>✕</button></div>
			{children}
		</aside>
	);
}

/** Facts are names and values of one thing. */
export function Facts({ facts, wide }: { facts: [string, ComponentChildren][]; wide?: boolean }) {
	return <dl class={wide ? 'facts wide' : 'facts'}>{facts.filter(([, v]) => v !== undefined && v !== '' && v !== null && v !== false).map(([k, v]) => <div key={k}><dt>{k}</dt><dd>{v}</dd></div>)}</dl>;
}
