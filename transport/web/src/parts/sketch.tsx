/** A place on the earth, in degrees. */
interface Place {
	lat: number;
	long: number;
}

const width = 480;
const height = 220;
/** Room around the places, in pixels. */
const edge = 34;

/** read takes "29.7604, -95.3698"; what is no place is left out. */
function read(text: string): Place | null {
	const [lat, long] = text.split(',').map((n) => Number.parseFloat(n));
	return lat !== undefined && long !== undefined && Math.abs(lat) <= 90 && Math.abs(long) <= 180 ? { lat, long } : null;
}

/** step is a round number of degrees of which a span has a few. */
const step = (span: number): number => [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 45].find((s) => span / s <= 5) ?? 90;

const range = (from: number, to: number, by: number): number[] => Array.from({ length: Math.max(0, Math.floor(to / by) - Math.ceil(from / by) + 1) }, (_, i) => (Math.ceil(from / by) + i) * by);

const degrees = (n: number, names: string): string => `${+Math.abs(n).toFixed(2)}° ${n < 0 ? names[1] : names[0]}`;

/** Sketch draws places over lines of latitude and longitude: no map is loaded from anywhere. The numbers are those of the list. */
export function Sketch({ places }: { places: string[] }) {
	const all = places.map(read);
	const known = all.filter((p) => p !== null);
	if (known.length === 0) return null;
	const mid = (list: number[]) => (Math.min(...list) + Math.max(...list)) / 2;
	const at = { lat: mid(known.map((p) => p.lat)), long: mid(known.map((p) => p.long)) };
	const narrow = Math.max(0.1, Math.cos((at.lat * Math.PI) / 180));
	const spread = (list: number[]) => Math.max(...list) - Math.min(...list);
	// Pixels a degree of latitude: all fit, and one place alone has some hundred kilometres around it.
	const scale = Math.min((height - 2 * edge) / Math.max(0.5, spread(known.map((p) => p.lat))), (width - 2 * edge) / Math.max(0.5, spread(known.map((p) => p.long)) * narrow));
	const x = (long: number) => width / 2 + (long - at.long) * scale * narrow;
	const y = (lat: number) => height / 2 - (lat - at.lat) * scale;
	const by = step(width / scale / narrow);
	const half = { lat: height / 2 / scale, long: width / 2 / scale / narrow };
	return (
		<svg class="sketch" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`Where: ${known.map((p) => `${degrees(p.lat, 'NS')} ${degrees(p.long, 'EW')}`).slice(0, 20).join('; ')}`}>
			{range(at.lat - half.lat, at.lat + half.lat, by).map((lat) => <g key={lat}><line x1="0" x2={width} y1={y(lat)} y2={y(lat)} /><text x="4" y={y(lat) - 3}>{degrees(lat, 'NS')}</text></g>)}
			{range(at.long - half.long, at.long + half.long, by).map((long) => <g key={long}><line y1="0" y2={height} x1={x(long)} x2={x(long)} /><text x={x(long) + 3} y={height - 4}>{degrees(long, 'EW')}</text></g>)}
			{all.map((p, i) => p && <g key={i}><circle cx={x(p.long)} cy={y(p.lat)} r="5" /><text class="n" x={x(p.long) + 8} y={y(p.lat) + 4}>{i + 1}</text></g>)}
		</svg>
	);
}
