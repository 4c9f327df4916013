import './style.css';
import { render } from 'preact';
import { LocationProvider } from 'preact-iso';
import { Shell } from './parts/shell';
import { loadSession } from './session';

// The page's own script begins here: who is signed in decides what is shown.
void loadSession();
render(
	<LocationProvider scope={new RegExp('^' + base() + '/ui/')}>
		<Shell />
	</LocationProvider>,
	document.getElementById('app')!,
);

function base(): string {
	return location.pathname.slice(0, location.pathname.indexOf('/ui/')).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
