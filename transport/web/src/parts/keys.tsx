import { signal } from '@preact/signals';
import { useLocation } from 'preact-iso';
import { useEffect } from 'preact/hooks';
import { ui } from '../settings';
import { Dialog } from './dialog';
import { paletteOpen } from './palette';
import { places } from './shell';

export const shortcutsOpen = signal(false);

const stored = 'postrider.keys';
/** Single keys can be switched off, for those who speak to their machine. */
export const single = signal(localStorage.getItem(stored) !== 'off');

/** useKeys makes the page's keys work: what is typed into a field is left alone. */
export function useKeys(): void {
	const { route } = useLocation();
	useEffect(() => {
		let g = 0;
		const press = (e: KeyboardEvent) => {
			if ((e.metaKey || e.ctrlKey) && e.key.toLowerCase() === 'k') {
				e.preventDefault();
				paletteOpen.value = !paletteOpen.value;
				return;
			}
			const to = e.target as HTMLElement;
			if (!single.value || e.metaKey || e.ctrlKey || e.altKey || to.closest('input,textarea,select,dialog,[contenteditable]')) return;
			if (g && Date.now() - g < 1000) {
				g = 0;
				const place = places.find((p) => p.key === e.key);
				if (place) route(ui(place.path));
				return;
			}
			switch (e.key) {
				case 'g':
					g = Date.now();
					break;
				case '?':
					shortcutsOpen.value = true;
					break;
				case '/':
					e.preventDefault();
					document.querySelector<HTMLElement>('[data-filter]')?.focus();
					break;
				case 'x':
					document.activeElement?.closest('[data-row]')?.querySelector<HTMLElement>('[data-choose]')?.click();
					break;
				case 'j':
				case 'k':
					step(e.key === 'j' ? 1 : -1);
					break;
				default:
					document.querySelector<HTMLElement>(`main [data-key="${CSS.escape(e.key)}"]`)?.click();
			}
		};
		addEventListener('keydown', press);
		return () => removeEventListener('keydown', press);
	}, [route]);
}

/** step moves the focus among the rows of a list. */
function step(by: number): void {
	const rows = [...document.querySelectorAll<HTMLElement>('main [data-row]')];
	const at = rows.findIndex((r) => r === document.activeElement || r.contains(document.activeElement));
	rows[Math.min(rows.length - 1, Math.max(0, at + by))]?.focus();
}

export function Shortcuts() {
	const lines = [['⌘K', 'go to a page, a webhook, a delivery'], ['/', 'to the filter'], ['j k', 'down and up a list'], ['Enter', 'open'],
		['x', 'choose a row'], ['r', 'replay what is open, or chosen'], ['p', 'pause or resume what is open'], ...places.map((p) => [`g ${p.key}`, p.name]), ['?', 'this list']];
	return (
		<Dialog open={shortcutsOpen} title="Keys">
			<dl class="keys">{lines.map(([key, what]) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div>)}</dl>
			<label class="check">
				<input type="checkbox" checked={single.value} onChange={(e) => {
					single.value = e.currentTarget.checked;
					localStorage.setItem(stored, single.value ? 'on' : 'off');
				}} />
				Single keys
			</label>
		</Dialog>
	);
}
