import type { Endpoint } from '../types';
import { ago, clock, count, plural, span } from '../words';

/** why says in words why a webhook is as it is; the first line is the one that matters. */
export function why(e: Endpoint, now = Date.now()): string[] {
	const lines: string[] = [];
	const s = e.standing;
	const later = (at?: string): at is string => !!at && Date.parse(at) > now;
	if (!e.enabled) lines.push('Switched off: events are not wanted.');
	else if (e.state === 'disabled') lines.push(`Disabled: ${e.state_reason || 'it failed for too long'}. Nothing is sent until it is resumed.`);
	else if (e.state === 'paused') lines.push('Paused by hand: what comes waits until it is resumed.');
	else if (s?.breaker === 'open') lines.push(`It keeps failing, so nothing is sent but a probe${later(s.open_until) ? `, the next ${ago(s.open_until, now)}` : ''}.`);
	else if (s?.breaker === 'probing') lines.push('A probe is under way: if it gets through, deliveries go on.');
	else if (s && later(s.held_until)) lines.push(`The receiver asked to be left alone until ${clock(s.held_until)} (${ago(s.held_until, now)}).`);
	else if (s?.pace) lines.push(`It is well again; what waited goes out at a growing pace, now ${count(Math.round(s.pace))} a second.`);
	else if (e.state === 'failing') lines.push('Attempts fail; each is tried again by its schedule.');
	else lines.push('Well: events are delivered as they come.');
	if (e.state !== 'disabled' && e.state_reason && e.state !== 'paused') lines.push(e.state_reason);
	if (s?.concurrency && s.concurrency < e.delivery.concurrency) lines.push(`To spare it: ${plural(s.concurrency, 'delivery', 'deliveries')} at once instead of ${count(e.delivery.concurrency)}.`);
	if (s?.since) lines.push(`It fails since ${clock(s.since)} (${ago(s.since, now)}).`);
	if (e.waiting > 0) lines.push(`${[plural(e.waiting, 'event waits', 'events wait'), s?.oldest_at && `the oldest since ${clock(s.oldest_at)} (${ago(s.oldest_at, now)})`, later(s?.next_at) && `the next attempt is due ${ago(s.next_at, now)}`].filter(Boolean).join(', ')}.`);
	if (s?.in_flight) lines.push(`${plural(s.in_flight, 'attempt is', 'attempts are')} under way.`);
	if (e.delivery.rate) lines.push(`At most ${count(e.delivery.rate)} a second, ${count(e.delivery.burst)} at once.`);
	if (e.delivery.ordered) lines.push('In order: one at a time, the next waits for the one before.');
	lines.push(e.delivery.retries ? `Counts as delivered: ${e.delivery.success}. Tried again after ${e.delivery.schedule.map(span).join(', ')}.` : `Counts as delivered: ${e.delivery.success}. Not tried again.`);
	return lines;
}
