import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Fault } from '../api';

/** Field is one input with its name, a hint, and the API's words where it is wrong: these take the focus; says is what is seen as it is typed. */
export function Field({ label, hint, says, fault, name, children }: { label: string; hint?: ComponentChildren; says?: string; fault?: Fault | null; name: string; children: ComponentChildren }) {
	const ref = useRef<HTMLDivElement>(null);
	const wrong = fault?.field === name;
	useEffect(() => {
		if (wrong) ref.current?.querySelector<HTMLElement>('input,select,textarea')?.focus();
	}, [wrong, fault]);
	return (
		<div class={wrong ? 'field bad' : 'field'} ref={ref}>
			<label><span>{label}</span>{children}</label>
			{wrong && <p class="said" role="alert">{fault!.message}</p>}
			{says && !wrong && <p class="said" role="status">{says}</p>}
			{hint && <div class="hint">{hint}</div>}
		</div>
	);
}

/** Unplaced says what the API refused where no field of the form is meant. */
export function Unplaced({ fault, fields }: { fault?: Fault | null; fields: string[] }) {
	return fault && !fields.includes(fault.field) ? <p class="wrong" role="alert">{fault.message}</p> : null;
}

/** Act is a button that says which role is missing where it may not be pressed. */
export function Act({ missing = '', busy, label, children, ...rest }: { missing?: string; busy?: boolean; label?: string; children: ComponentChildren; onClick?: () => void; class?: string; type?: 'submit' | 'button'; 'data-key'?: string }) {
	return (
		<button {...rest} type={rest.type ?? 'button'} disabled={!!missing || busy} aria-label={label && label + (missing && ` (${missing})`)} title={missing || undefined}>
			{children}{missing && <span class="lacks"> ({missing})</span>}
		</button>
	);
}
