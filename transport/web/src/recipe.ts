import { Fault } from './api';
import type { Recipe } from './types';

/** filled is a recipe's endpoint with values in it. A ${ in a value stays one. Throws the Fault of the first parameter that is wrong. */
export function filled(r: Recipe, values: Record<string, string>): Record<string, unknown> {
	const given: Record<string, string> = {};
	for (const p of r.parameters) {
		const value = (values[p.name] || p.default || '').trim();
		if (!value) throw new Fault(400, `missing; ${p.description}`, 'set.' + p.name);
		if (p.pattern && !fits(p.pattern, value)) throw new Fault(400, `does not look like it; ${p.description}`, 'set.' + p.name);
		given[p.name] = value.replaceAll('${', '$${');
	}
	return fill(r.endpoint, given) as Record<string, unknown>;
}

function fits(pattern: string, value: string): boolean {
	try {
		return new RegExp(`^(?:${pattern})$`, 'u').test(value);
	} catch {
		return true; // the node's own check is the one that counts
	}
}

function fill(v: unknown, values: Record<string, string>): unknown {
	if (typeof v === 'string') return v.replace(/\{\{([a-z_]+)\}\}/g, (_, name: string) => values[name] ?? '');
	if (Array.isArray(v)) return v.map((x) => fill(x, values));
	if (v && typeof v === 'object') return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, fill(x, values)]));
	return v;
}

/** of is the recipe of the service at a URL. */
export function of(recipes: Recipe[], url: string): Recipe | undefined {
	let host = '';
	try {
		host = new URL(url).hostname;
	} catch {
		return undefined;
	}
	return recipes.find((r) => r.hosts.some((h) => new RegExp('^' + h.split('*').map((s) => s.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*') + '$').test(host)));
}
