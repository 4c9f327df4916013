import type { ReadonlySignal, Signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** Dialog is modal, closes with Escape, and gives the focus back; without close it sets open. */
export function Dialog({ open, title, children, wide, close = () => void ((open as Signal<boolean>).value = false) }: { open: ReadonlySignal<boolean>; close?: () => void; title: string; children: ComponentChildren; wide?: boolean }) {
	const ref = useRef<HTMLDialogElement>(null);
	const shown = open.value;
	useEffect(() => {
		const d = ref.current;
		if (shown && d && !d.open) d.showModal();
		if (!shown && d?.open) d.close();
	}, [shown]);
	return (
		<dialog ref={ref} class={wide ? 'wide' : ''} aria-label={title} onClose={close}
			onClick={(e) => e.target === ref.current && close()}>
			{shown && (
				<>
					<div class="head"><h2>{title}</h2><span class="grow" /><button class="quiet" aria-label="Close" onClick={close}>✕</button></div>
					{children}
				</>
			)}
		</dialog>
	);
}
