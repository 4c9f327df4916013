import { ui } from '../settings';
import type { Audit } from '../types';
import { count } from '../words';

const parts = [['delivered', 'delivered', '/deliveries?status=delivered'], ['dead_lettered', 'dead-lettered', '/deadletters'], ['skipped', 'skipped', '/deliveries?status=skipped'], ['waiting', 'waiting', '/deliveries?status=waiting']] as const;

/** AuditBar is the audit as a picture: owed = delivered + dead-lettered + skipped + waiting, each a link to its list. */
export function AuditBar({ audit }: { audit: Audit }) {
	const sum = audit.total;
	let at = 0;
	return (
		<>
			<svg class="sum" viewBox="0 0 1000 24" preserveAspectRatio="none" role="img" aria-label={parts.map(([k, n]) => `${n} ${count(sum[k])}`).join(', ')}>
				{parts.map(([k]) => {
					const width = sum.owed ? (1000 * sum[k]) / sum.owed : 0;
					const x = at;
					at += width;
					return width > 0 && <rect key={k} class={k} x={x} y="0" width={Math.max(2, width)} height="24" />;
				})}
			</svg>
			<p class="legend">
				<b>{count(sum.owed)}</b> owed = {parts.map(([k, name, to], i) => (
					<span key={k}>{i > 0 && ' + '}<a href={ui(to)}><span class={`swatch ${k}`} aria-hidden="true" /> <b>{count(sum[k])}</b> {name}</a></span>
				))}
				{' '}<span class={audit.ok ? 'good' : 'bad'}>{audit.ok ? 'It adds up.' : `It does not add up: ${count(sum.missing)} are missing.`}</span>
			</p>
		</>
	);
}
