import { query } from '../api';
import { Empty, More, usePages, When, Wrong } from '../parts/list';
import { may } from '../session';
import type { SettingChange } from '../types';

/** ChangesOf asks for who changed what, of a kind's one thing or of a customer. */
export const changesOf = (of: { kind?: string; target?: string; customer?: string }): string => '/v1/changes' + query({ ...of, limit: 20 });

const value = (v: unknown): string => (v === undefined ? '–' : typeof v === 'string' ? v : JSON.stringify(v));

/** Changes is who changed what, newest first; admins see it. */
export function Changes({ path, named }: { path: string; named?: boolean }) {
	const list = usePages<SettingChange>(may('admin') ? path : '');
	if (!may('admin')) return <p class="dim">Who changed what is for admins: it needs the role admin.</p>;
	if (list.fault && !list.rows) return <Wrong fault={list.fault} again={list.again} />;
	if (list.rows?.length === 0) return <Empty title="Nothing was changed yet"><p>Whoever adds, edits, pauses or removes something is noted here.</p></Empty>;
	return (
		<>
			<ul class="changes">
				{list.rows?.map((c) => (
					<li key={c.id}>
						<p><When at={c.at} /> <b>{c.by || 'somebody'}</b> {c.what} {named ? <>the {c.kind === 'endpoint' ? 'webhook' : c.kind} <b>{c.name || c.target}</b></> : 'it'}</p>
						{c.changes.length > 0 && <dl class="facts">{c.changes.map((d) => <div key={d.field}><dt>{d.field}</dt><dd>{d.from === undefined && d.to === undefined ? 'changed' : <><del>{value(d.from)}</del> → <ins>{value(d.to)}</ins></>}</dd></div>)}</dl>}
					</li>
				))}
			</ul>
			<More more={list.more} />
		</>
	);
}
