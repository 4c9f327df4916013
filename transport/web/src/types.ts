/** The API's things, as /openapi.json describes them; what the page does not show is left out. */
export interface Endpoint {
	/** Of an ed25519 key: what verifies. */
	public_key?: string;
	id: string;
	customer: string;
	name: string;
	description: string;
	url: string;
	/** Of a mailbox. */
	address?: string;
	enabled: boolean;
	profile: string;
	version?: string;
	format: string;
	events: string[];
	filter?: string;
	headers?: Record<string, string>;
	body?: unknown;
	body_mode?: string;
	signature: { scheme: string; header?: string; algorithm?: string; encoding?: string; prefix?: string };
	delivery: { retries: boolean; schedule: string[]; timeout: string; success: string; concurrency: number; rate: number; burst: number; ordered: boolean; max_age?: string; max_waiting: number };
	state: 'active' | 'paused' | 'failing' | 'disabled';
	state_reason: string;
	waiting: number;
	created_at: string;
	updated_at: string;
	secret?: string;
	warnings?: string[];
	standing?: { breaker: 'closed' | 'open' | 'probing'; open_until?: string; held_until?: string; since?: string; in_flight?: number; oldest_at?: string; next_at?: string; concurrency?: number; pace?: number };
}

export interface Delivery {
	id: string;
	customer: string;
	endpoint: string;
	replay: number;
	event: { id: string; type: string; time?: string; data?: unknown };
	state: string;
	reason: string;
	status: number;
	class: string;
	attempt_count: number;
	created_at: string;
	updated_at: string;
	next_attempt_at?: string;
	attempts?: Attempt[];
	/** As the last attempt sent it, where its request_is says so. */
	request?: { method: string; url: string; headers: Record<string, string> };
	body?: string;
	body_note?: string;
	body_is?: 'sent' | 'changed' | 'unknown';
	body_sha256?: string;
	/** The event's W3C trace. */
	trace_id?: string;
}

export interface Attempt {
	number: number;
	at: string;
	took_ms: number;
	dns_ms: number;
	connect_ms: number;
	tls_ms: number;
	first_byte_ms: number;
	resent?: boolean;
	status: number;
	class: string;
	reason: string;
	detail: string;
	answer: string;
	body_sha256?: string;
	next_attempt_at?: string;
	/** The webhook's, by whose settings it was made. */
	revision?: number;
	request_is?: 'sent' | 'changed' | 'unknown';
}

export interface Letter {
	id: number;
	customer: string;
	endpoint: string;
	reason: string;
	detail: string;
	at: string;
	event?: { id: string; type: string; data?: unknown };
	attempts?: { at: string; took_ms: number; status: number; class: string; reason: string }[];
	last_answer?: string;
}

export interface Replay {
	id: string;
	state: string;
	detail: string;
	total: number;
	done: number;
	replayed: number;
	gone: number;
	skipped: number;
	source: string;
	endpoint?: string;
	event?: string;
	type?: string;
	status?: string;
	reason?: string;
	from?: string;
	to?: string;
	rate: number;
	created_at: string;
	updated_at: string;
}

export interface Alert {
	id: string;
	customer: string;
	alert_name: string;
	email: string;
	alert_type: string;
	is_active: boolean;
	[criterion: string]: unknown;
}

export interface Run {
	run_id: string;
	customer: string;
	alert_type: string;
	status: string;
	reason: string;
	from: number;
	to: number;
	alerts: number;
	total_matches: number;
	started_at?: string;
	finished_at?: string;
	detections?: number;
	/** The id of the event that told of it. */
	event?: string;
	report?: { matches: Record<string, string>[] };
	report_note?: string;
}

export interface Customer {
	id: string;
	customer_id: number;
	name: string;
	email: string;
	time_zone: string;
	locations?: Location[];
	schedules?: Record<string, string>;
	quotas?: Record<string, number>;
	next_runs?: Record<string, string>;
	use?: Use[];
}

/** Who changed what: fields with their values before and after. */
export interface SettingChange {
	id: string;
	at: string;
	by: string;
	customer: string;
	kind: 'endpoint' | 'alert' | 'customer';
	target: string;
	name: string;
	what: string;
	changes: { field: string; from?: unknown; to?: unknown }[];
}

export interface Location {
	uuid: string;
	name: string;
	hardware: string;
}

/** How much of one quota is used; bound 0: it has none. */
export interface Use {
	quota: string;
	used: number;
	bound: number;
	since?: string;
}

/** An endpoint for a well-known service, with {{name}} where a parameter belongs. */
export interface Recipe {
	name: string;
	title: string;
	description: string;
	reference: string;
	parameters: { name: string; description: string; default?: string; pattern?: string; secret?: boolean }[];
	hosts: string[];
	answers: number;
	endpoint: Record<string, unknown>;
}

export interface Audit {
	cut: number;
	events: number;
	duplicates: number;
	unrouted: number;
	ok: boolean;
	at: string;
	total: { endpoints: number; owed: number; delivered: number; dead_lettered: number; skipped: number; waiting: number; missing: number; repeated: number };
	endpoints: { endpoint: string; customer: string; owed: number; delivered: number; dead_lettered: number; skipped: number; waiting: number; missing: number; repeated: number }[];
}

/** Deliveries counted by when they became owed; each list has a number for each step. */
export interface SeriesOfTime {
	from: string;
	to: string;
	step: string;
	steps: number;
	series: Series[];
	others: number;
	complete_from?: string;
}

export interface Series {
	key: string;
	waiting: number[];
	retrying: number[];
	delivered: number[];
	dead_lettered: number[];
	skipped: number[];
	p50_ms: number[];
	p99_ms: number[];
}
