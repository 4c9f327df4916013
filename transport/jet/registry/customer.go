package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/postrider/postrider/transport"
	"github.com/postrider/postrider/transport/jet"
)

// counterKey holds the last number that was made; numberKey makes a number one
// customer's own. Neither can be a customer's key, which has one word.
const counterKey = "counter.customer_id"

func numberKey(n int64) string { return "number." + strconv.FormatInt(n, 10) }

// EnsureCustomer gives the customer of that id, and makes it where there is none.
func (r *Registry) EnsureCustomer(ctx context.Context, id string) (*transport.Customer, error) {
	if c, ok := r.Customer(id); ok {
		return c, nil
	}
	if err := transport.CheckCustomer(id); err != nil {
		return nil, err
	}
	c, err := r.storedCustomer(ctx, id)
	if !errors.Is(err, transport.ErrNotFound) {
		return c, err
	}
	made := &transport.Customer{ID: id}
	err = r.putCustomer(ctx, made, func(data []byte) (uint64, error) {
		return r.store.customers.Create(ctx, id, data)
	})
	if errors.Is(err, transport.ErrConflict) { // someone else was first
		return r.storedCustomer(ctx, id)
	}
	if err != nil {
		return nil, err
	}
	return made, nil
}

// CreateCustomer stores a new customer, and sets c.CustomerID where it is 0 and
// c.Revision. transport.ErrConflict: there is one of that id. A customer_id of
// another customer is a *transport.FieldError.
func (r *Registry) CreateCustomer(ctx context.Context, c *transport.Customer) error {
	if err := transport.CheckCustomer(c.ID); err != nil {
		return err
	}
	if _, there := r.Customer(c.ID); there {
		return fmt.Errorf("customer %s: %w", c.ID, transport.ErrConflict)
	}
	return r.putCustomer(ctx, c, func(data []byte) (uint64, error) {
		return r.store.customers.Create(ctx, c.ID, data)
	})
}

// PutCustomer stores a customer, and sets c.CustomerID where it is 0 (to the
// one it had, or a new one) and c.Revision. With c.Revision set, only that
// state is replaced (transport.ErrConflict); with 0, any. A customer_id of
// another customer is a *transport.FieldError.
func (r *Registry) PutCustomer(ctx context.Context, c *transport.Customer) error {
	if err := transport.CheckCustomer(c.ID); err != nil {
		return err
	}
	if c.CustomerID == 0 {
		old, err := r.storedCustomer(ctx, c.ID)
		if err != nil && !errors.Is(err, transport.ErrNotFound) {
			return err
		}
		if err == nil {
			c.CustomerID = old.CustomerID
		}
	}
	return r.putCustomer(ctx, c, func(data []byte) (uint64, error) {
		if c.Revision == 0 {
			return r.store.customers.Put(ctx, c.ID, data)
		}
		return r.store.customers.Update(ctx, c.ID, data, c.Revision)
	})
}

// putCustomer numbers c, stores it by put, and waits for it to be in effect: for
// endpoints, and for alerts and those whom Alerts tells of customers.
func (r *Registry) putCustomer(ctx context.Context, c *transport.Customer, put func([]byte) (uint64, error)) error {
	if err := r.number(ctx, c); err != nil {
		return err
	}
	data, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("customer %s: %w", c.ID, err)
	}
	rev, err := put(data)
	if errors.Is(err, jetstream.ErrKeyExists) || jet.WrongSequence(err) {
		return fmt.Errorf("customer %s: %w", c.ID, transport.ErrConflict)
	}
	if err != nil {
		return fmt.Errorf("customer %s: %w", c.ID, jet.Unavailable(err))
	}
	c.Revision = rev
	if r.mirror.Started() {
		err = r.mirror.Wait(ctx, mirroredCustomers, rev)
	}
	if watched := r.store.watched.mirror; err == nil && watched.Started() {
		err = watched.Wait(ctx, mirroredZones, rev)
	}
	return err
}

func (r *Registry) storedCustomer(ctx context.Context, id string) (*transport.Customer, error) {
	e, err := r.store.customers.Get(ctx, id)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, fmt.Errorf("customer %s: %w", id, transport.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("customer %s: %w", id, jet.Unavailable(err))
	}
	c, err := decodeCustomer(e)
	if err != nil {
		return nil, fmt.Errorf("customer %s: %w", id, err)
	}
	return c, nil
}

// number makes c.CustomerID the customer's own. Where it is 0, that is the id or
// name of a customer who goes by a number, unless it is another's, else a new one.
func (r *Registry) number(ctx context.Context, c *transport.Customer) error {
	if c.CustomerID != 0 {
		owner, err := r.claimNumber(ctx, c.CustomerID, c.ID)
		if err == nil && owner != c.ID {
			err = &transport.FieldError{Field: "customer_id", Value: strconv.FormatInt(c.CustomerID, 10),
				Message: "is another customer's; choose another number, or leave it out to have one made"}
		}
		return err
	}
	for _, name := range [...]string{c.ID, c.Name} {
		if n := numberOf(name); n != 0 {
			if owned, err := r.takeNumber(ctx, n, c); owned || err != nil {
				return err
			}
		}
	}
	for {
		n, err := r.nextNumber(ctx)
		if err != nil {
			return err
		}
		if owned, err := r.takeNumber(ctx, n, c); owned || err != nil {
			return err
		}
	}
}

// numberOf is the customer_id that a name is, 0 where it is none; 007 is none,
// or two customers would have one number.
func numberOf(name string) int64 {
	n, err := strconv.ParseInt(name, 10, 64)
	if err != nil || n < 1 || n > transport.MaxCustomerID || strconv.FormatInt(n, 10) != name {
		return 0
	}
	return n
}

// takeNumber makes n the number of c, unless it is another customer's.
func (r *Registry) takeNumber(ctx context.Context, n int64, c *transport.Customer) (owned bool, err error) {
	owner, err := r.claimNumber(ctx, n, c.ID)
	if err != nil || owner != c.ID {
		return false, err
	}
	c.CustomerID = n
	return true, nil
}

// claimNumber gives n to customer id, or tells whose it is.
func (r *Registry) claimNumber(ctx context.Context, n int64, id string) (owner string, err error) {
	_, err = r.store.customers.Create(ctx, numberKey(n), []byte(id))
	if err == nil {
		return id, nil
	}
	if errors.Is(err, jetstream.ErrKeyExists) {
		var e jetstream.KeyValueEntry
		if e, err = r.store.customers.Get(ctx, numberKey(n)); err == nil {
			return string(e.Value()), nil
		}
	}
	return "", fmt.Errorf("customer_id %d: %w", n, jet.Unavailable(err))
}

// nextNumber counts up; no two callers get the same.
func (r *Registry) nextNumber(ctx context.Context) (int64, error) {
	for {
		n, rev, err := int64(0), uint64(0), error(nil)
		e, err := r.store.customers.Get(ctx, counterKey)
		if err == nil {
			rev = e.Revision()
			n, err = strconv.ParseInt(string(e.Value()), 10, 64)
		}
		if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
			return 0, fmt.Errorf("making a customer_id: %w", jet.Unavailable(err))
		}
		n++
		next := []byte(strconv.FormatInt(n, 10))
		if rev == 0 {
			_, err = r.store.customers.Create(ctx, counterKey, next)
		} else {
			_, err = r.store.customers.Update(ctx, counterKey, next, rev)
		}
		if err == nil {
			return n, nil
		}
		if !errors.Is(err, jetstream.ErrKeyExists) && !jet.WrongSequence(err) {
			return 0, fmt.Errorf("making a customer_id: %w", jet.Unavailable(err))
		}
	}
}
