import { useRef, useState } from 'preact/hooks';

/** Code shows how a program asks the same: a command where there is one, and the request itself. */
export function Code({ curl, command }: { curl: string; command?: string }) {
	return (
		<details class="code">
			<summary>By program</summary>
			<div class="sheet">
				{command && <Copy label="Command" text={command} />}
				<Copy label="curl" text={curl} />
			</div>
		</details>
	);
}

/** Copy shows text to be copied, and copies it. */
export function Copy({ label, text }: { label: string; text: string }) {
	const [done, set] = useState('');
	const shown = useRef<HTMLPreElement>(null);
	const copy = async () => {
		try {
			await navigator.clipboard.writeText(text);
			set('Copied');
		} catch {
			// Browsers let pages write there on https and this machine only.
			getSelection()?.selectAllChildren(shown.current!);
			set('Selected: Ctrl C');
		}
		setTimeout(() => set(''), 1500);
	};
	return (
		<div class="copy">
			<div class="copyhead"><span>{label}</span><button class="quiet" onClick={() => void copy()}>{done || 'Copy'}</button></div>
			<pre ref={shown} tabIndex={0}>{text}</pre>
		</div>
	);
}
