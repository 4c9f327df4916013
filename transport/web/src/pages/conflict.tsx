/** A field that somebody changed: its name, what it was, what they made of it, and what is in the form. */
export interface Differs {
	name: string;
	was: string;
	theirs: string;
	mine: string;
}

const shown = (text: string): string => text || '–';

/** differing are the fields that either changed; said is a form's value in words. */
export function differing<F extends object>(names: Record<keyof F, string>, was: F, theirs: F, mine: F, said: (v: F[keyof F]) => string): Differs[] {
	return (Object.keys(names) as (keyof F)[]).map((k) => ({ name: names[k], was: said(was[k]), theirs: said(theirs[k]), mine: said(mine[k]) })).filter((d) => d.theirs !== d.was || d.mine !== d.was);
}

/** both is what was changed here over what was changed elsewhere. */
export function both<F extends object>(mine: F, was: F, theirs: F, said: (v: F[keyof F]) => string): F {
	return Object.assign({}, ...(Object.keys(was) as (keyof F)[]).map((k) => ({ [k]: said(mine[k]) === said(was[k]) ? theirs[k] : mine[k] }))) as F;
}

/** Conflict shows what somebody else changed while the form was open, and asks whose is to stay. */
export function Conflict({ what, differs, settle }: { what: string; differs: Differs[]; settle: (mine: boolean) => void }) {
	return (
		<section>
			<p class="note" role="alert">Somebody else changed this {what} while you edited it. Nothing of yours is saved yet.</p>
			<div class="scroll">
				<table class="differences">
					<thead><tr><th>What</th><th>Was</th><th>Theirs</th><th>Yours</th></tr></thead>
					<tbody>{differs.map((d) => (
						<tr key={d.name}><th scope="row">{d.name}</th><td>{shown(d.was)}</td><td class={d.theirs !== d.was ? 'differs' : ''}>{shown(d.theirs)}</td><td class={d.mine !== d.was ? 'differs' : ''}>{shown(d.mine)}</td></tr>
					))}</tbody>
				</table>
			</div>
			{differs.length === 0 && <p class="dim">What differs is not among the fields of this form.</p>}
			<p class="buttons"><button class="primary" onClick={() => settle(true)}>Keep mine, beside theirs</button><button onClick={() => settle(false)}>Take theirs</button></p>
			<p class="hint">Either way you see the form again before anything is saved. Where both changed the same, Keep mine takes yours.</p>
		</section>
	);
}
