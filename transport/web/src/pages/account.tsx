import { Page } from '../parts/shell';
import { curlOf } from '../api';
import { session } from '../session';
import { Empty } from '../parts/list';
import { CustomerPane } from './customer';

/** Account: what a customer says about itself, and what it uses. */
export function Account() {
	const id = session.value?.customer;
	return (
		<Page title="Account" code={id ? { command: `postrider customer show ${id}`, curl: curlOf('GET', `/v1/customers/${id}?now=true`) } : undefined}>
			{id ? <CustomerPane id={id} /> : <Empty title="For customers"><p>You are an operator of all customers: <b>Operator</b> lists them.</p></Empty>}
		</Page>
	);
}
