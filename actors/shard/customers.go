package shard

import "time"

// shareAmongCustomers makes room where the window is full and somebody waits to
// be let in: beside others a customer keeps half of it at most, and gives back
// what is beyond a quarter, each of its endpoints its part. Who is the only one
// with endpoints may fill it: then pulling stops, and costs nobody else.
func (m *Machine) shareAmongCustomers(holders []holder, most int, now time.Time) {
	if len(m.routes.byCustomer) < 2 {
		return
	}
	of := map[string]int{}
	for _, o := range holders {
		of[m.customerOf(o.id)] += o.leases
	}
	for _, o := range holders {
		all := of[m.customerOf(o.id)]
		if all <= most/2 {
			continue
		}
		if keep := max(1, o.leases*(most/4)/all); o.leases > keep {
			m.shed(o.active, keep, now)
		}
	}
}

// customerOf is whose an endpoint is; empty where it is gone.
func (m *Machine) customerOf(id string) string {
	if ep := m.routes.byID[id]; ep != nil {
		return ep.Customer
	}
	return ""
}
