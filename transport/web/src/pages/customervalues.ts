import { Fault } from '../api';
import type { Customer, Location } from '../types';
import { quotaName } from './uses';

/** What the customer's form holds; quotas are kept as they are typed. */
export type CustomerValues = ReturnType<typeof initial>;

export function initial(c: Customer) {
	return {
		name: c.name, email: c.email, time_zone: c.time_zone, normal: c.schedules?.normal ?? '', hot: c.schedules?.hot ?? '', locations: c.locations ?? [],
		quotas: Object.fromEntries((c.use ?? []).map(({ quota }) => [quota, String(c.quotas?.[quota] ?? '')])) as Record<string, string>,
	};
}

export const names: Record<keyof CustomerValues, string> = { name: 'Name', email: 'E-mail for notices', time_zone: 'Time zone', normal: 'Daily alerts run', hot: 'Hot alerts run', locations: 'Locations', quotas: 'Bounds of its own' };

/** said is a value in words; values that say the same are the same. */
export function said(v: string | Location[] | Record<string, string>): string {
	if (typeof v === 'string') return v;
	if (Array.isArray(v)) return v.map((l) => `${l.name || l.uuid} (${l.hardware})`).join(', ');
	return Object.entries(v).filter(([, n]) => n !== '').map(([k, n]) => `${quotaName(k)} ${n}`).join(', ');
}

/** bodyOf is what differs from was, as the API takes it. Throws Fault. */
export function bodyOf(v: CustomerValues, was: CustomerValues): Record<string, unknown> {
	const body: Record<string, unknown> = {};
	for (const k of ['name', 'email', 'time_zone'] as const) if (v[k] !== was[k]) body[k] = v[k];
	const schedules = Object.fromEntries((['normal', 'hot'] as const).filter((k) => v[k] !== was[k]).map((k) => [k, v[k] || null]));
	if (Object.keys(schedules).length) body.schedules = schedules;
	if (JSON.stringify(v.locations) !== JSON.stringify(was.locations)) body.locations = v.locations;
	const quotas = Object.fromEntries(Object.keys(v.quotas).filter((k) => v.quotas[k] !== (was.quotas[k] ?? '')).map((k) => [k, v.quotas[k]!.trim() ? Number(v.quotas[k]) : null]));
	const wrong = Object.entries(quotas).find(([, n]) => Number.isNaN(n));
	if (wrong) throw new Fault(400, `“${v.quotas[wrong[0]]}” is not a number`, 'quotas.' + wrong[0]);
	if (Object.keys(quotas).length) body.quotas = quotas;
	return body;
}
