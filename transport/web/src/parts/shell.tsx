import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { Route, Router, useLocation } from 'preact-iso';
import { useEffect } from 'preact/hooks';
import { away, signedOut } from '../api';
import { operator, session, signOut } from '../session';
import { settings, ui } from '../settings';
import { clock } from '../words';
import { Account } from '../pages/account';
import { Alerts } from '../pages/alerts';
import { Addresses, Catalogue } from '../pages/catalogue';
import { DeadLetters } from '../pages/deadletters';
import { Deliveries } from '../pages/deliveries';
import { Integrations } from '../pages/integrations';
import { Operator } from '../pages/operator';
import { Overview } from '../pages/overview';
import { Replays } from '../pages/replays';
import { Runs } from '../pages/runs';
import { SignIn } from '../pages/signin';
import { Webhook } from '../pages/webhook';
import { Webhooks } from '../pages/webhooks';
import { Code } from './code';
import { Palette, paletteOpen } from './palette';
import { Shortcuts, shortcutsOpen, useKeys } from './keys';

/** What the rail lists: a word, where it leads, and the key that goes there; those of a group stand together. */
export const places: { group: string; name: string; path: string; key: string; operator?: boolean; customer?: boolean }[] = [
	{ group: 'Global View', name: 'Overview', path: '/', key: 'o' },
	{ group: 'Global View', name: 'Integrations', path: '/integrations', key: 't' },
	{ group: 'Events', name: 'Webhooks', path: '/webhooks', key: 'e' },
	{ group: 'Events', name: 'Deliveries', path: '/deliveries', key: 'd' },
	{ group: 'Events', name: 'Dead letters', path: '/deadletters', key: 'x' },
	{ group: 'Events', name: 'Replays', path: '/replays', key: 'r' },
	{ group: 'Detections', name: 'Alerts', path: '/alerts', key: 'a' },
	{ group: 'Detections', name: 'Runs', path: '/runs', key: 'u' },
	{ group: 'Reference', name: 'Catalogue', path: '/catalogue', key: 'c' },
	{ group: 'Reference', name: 'Addresses', path: '/addresses', key: 'i' },
	{ group: 'Settings', name: 'Account', path: '/account', key: 's', customer: true },
	{ group: 'Settings', name: 'Operator', path: '/operator', key: 'n', operator: true },
];

/** placesOf are those that who is signed in sees. */
export const placesOf = () => places.filter((p) => (!p.operator || operator.value) && (!p.customer || !!session.value?.customer));

const menu = signal(false);

export function Shell() {
	const who = session.value;
	if (who === undefined) return <p class="starting">Postrider</p>;
	if (who === null || signedOut.value) return <SignIn again={who !== null} />;
	return <SignedIn />;
}

function SignedIn() {
	const { path } = useLocation();
	useKeys();
	useEffect(() => void (menu.value = false), [path]);
	return (
		<div class="shell">
			<a class="skip" href="#content">Skip to content</a>
			<header class="top">
				<button class="menu" aria-label="Menu" aria-expanded={menu.value} onClick={() => (menu.value = !menu.value)}>☰</button>
				<a class="brand" href={ui('/')}><Mark /> Postrider</a>
				{settings.dev && <span class="tag wideonly">development</span>}
				<span class="grow" />
				<button class="quiet" onClick={() => (paletteOpen.value = true)}>Go to… <kbd class="wideonly">⌘K</kbd></button>
				<Who />
			</header>
			<nav class={menu.value ? 'rail open' : 'rail'} aria-label="Pages">
				{[...new Set(placesOf().map((p) => p.group))].map((group) => (
					<section key={group} aria-label={group}>
						<p class="group">{group}</p>
						{placesOf().filter((p) => p.group === group).map((p) => <Place key={p.path} name={p.name} path={p.path} here={path} />)}
					</section>
				))}
			</nav>
			<main id="content" tabIndex={-1}>
				<Banner />
				<Router>
					<Route path={ui('/')} component={Overview} />
					<Route path={ui('/integrations')} component={Integrations} />
					<Route path={ui('/webhooks')} component={Webhooks} />
					<Route path={ui('/webhooks/:id')} component={Webhook} />
					<Route path={ui('/deliveries')} component={Deliveries} />
					<Route path={ui('/deadletters')} component={DeadLetters} />
					<Route path={ui('/replays')} component={Replays} />
					<Route path={ui('/alerts')} component={Alerts} />
					<Route path={ui('/runs')} component={Runs} />
					<Route path={ui('/catalogue')} component={Catalogue} />
					<Route path={ui('/addresses')} component={Addresses} />
					<Route path={ui('/account')} component={Account} />
					<Route path={ui('/operator')} component={Operator} />
					<Route default component={NotHere} />
				</Router>
			</main>
			<Palette />
			<Shortcuts />
		</div>
	);
}

/** Mark is a letter on its way. */
function Mark() {
	return <svg class="mark" viewBox="0 0 20 20" aria-hidden="true"><path d="M2 5h16v10H2z" /><path class="flap" d="M2 5l8 6 8-6" /></svg>;
}

function Place({ name, path, here }: { name: string; path: string; here: string }) {
	const full = ui(path);
	const current = path === '/' ? here.replace(/\/$/, '') === ui('') : here.startsWith(full);
	return <a href={full} aria-current={current ? 'page' : undefined}>{name}</a>;
}

function Who() {
	const who = session.value!;
	return (
		<details class="who">
			<summary>{who.customer ?? who.subject}</summary>
			<div class="sheet">
				<p><b>{who.subject}</b>{who.customer ? <> of {who.customer}</> : ', all customers'}</p>
				<p class="dim">{who.roles.join(', ') || 'no role'}</p>
				<p class="dim">Postrider {who.version}</p>
				<p><button onClick={() => (shortcutsOpen.value = true)}>Keys</button> <button onClick={() => void signOut()}>Sign out</button></p>
			</div>
		</details>
	);
}

/** Banner says that the node is away, and of when the data is that stays. */
function Banner() {
	const a = away.value;
	return <div role="status">{a && <p class="banner">Not up to date: {a.why}. What is shown is as of {clock(a.since)}; it goes on by itself.</p>}</div>;
}

function NotHere() {
	return <Page title="No such page"><p>There is nothing at this address. <a href={ui('/')}>Overview</a></p></Page>;
}

/** Page is a view's frame: its title, what can be done, and how to ask the same by program. */
export function Page(p: { title: string; actions?: ComponentChildren; children: ComponentChildren; code?: { curl: string; command?: string } }) {
	useEffect(() => void (document.title = `${p.title} · Postrider`), [p.title]);
	return (
		<>
			<div class="head">
				<h1>{p.title}</h1>
				<span class="grow" />
				{p.code && <Code {...p.code} />}
				{p.actions}
			</div>
			{p.children}
		</>
	);
}
