import { curlOf, query } from '../api';
import { useQuery } from '../parts/list';
import { Page } from '../parts/shell';
import { DeliveryList } from './deliverylist';

/** Deliveries: the log, live or by a filter. */
export function Deliveries() {
	const [q] = useQuery();
	const path = '/v1/deliveries' + query({ endpoint: q.endpoint, event: q.event, type: q.type, status: q.status, from: q.from, to: q.to });
	return (
		<Page title="Deliveries" code={{ command: 'postrider delivery list' + ['endpoint', 'event', 'type', 'status', 'from', 'to'].filter((k) => q[k]).map((k) => ` --${k} '${q[k]}'`).join(''), curl: curlOf('GET', path) }}>
			<DeliveryList fixed={{}} />
		</Page>
	);
}
