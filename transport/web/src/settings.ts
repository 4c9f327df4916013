/** What the node tells the page, from a JSON element of index.html. */
export interface Settings {
	base: string;
	dev: boolean;
	/** People may sign in by an OpenID Connect provider. */
	provider: boolean;
	version: string;
	/** Hosts whose pictures may be shown, such as https://images.example.com. */
	image_hosts: string[];
}

export const settings: Settings = JSON.parse(document.getElementById('settings')!.textContent!);

/** The address of a view, such as ui('/webhooks'). */
export const ui = (path: string): string => settings.base + '/ui' + path;
