import type { Signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** Dialog is modal, closes with Escape, and gives the focus back. */
export function Dialog({ open, title, children, wide }: { open: Signal<boolean>; title: string; children: ComponentChildren; wide?: boolean }) {
	const ref = useRef<HTMLDialogElement>(null);
	const shown = open.value;
	useEffect(() => {
		const d = ref.current;
		if (shown && d && !d.open) d.showModal();
		if (!shown && d?.open) d.close();
	}, [shown]);
	return (
		<dialog ref={ref} class={wide ? 'wide' : ''} aria-label={title} onClose={() => (open.value = false)}
			onClick={(e) => e.target === ref.current && (open.value = false)}>
			{shown && (
				<>
					<div class="head"><h2>{title}</h2><span class="grow" /><button class="quiet" aria-label="Close" onClick={() => (open.value = false)}>✕</button></div>
					{children}
				</>
			)}
		</dialog>
	);
}
