package api

import (
	"context"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/postrider/postrider/transport"
)

// caller is who makes a request.
type caller struct {
	customer string
	roles    []string
	// subject is who the token was made for, token a digest of it (of a
	// browser's session: of its id); jti and expires are the token's, where it
	// has them.
	subject string
	token   [sha256.Size]byte
	jti     string
	expires time.Time
}

func (c *caller) has(role string) bool { return slices.Contains(c.roles, role) }
func (c *caller) operator() bool       { return c.has(RoleOperator) }
func (c *caller) admin() bool          { return c.has(RoleAdmin) || c.operator() }

// may tells whether c has one of roles, or stands above them; nil: anyone.
func (c *caller) may(roles []string) bool {
	return roles == nil || c.admin() || slices.ContainsFunc(roles, c.has)
}

// sees tells whether what belongs to customer is there for c.
func (c *caller) sees(customer string) bool { return c.operator() || c.customer == customer }

// actsFor gives the customer that a request is about: the one it names, which
// only an operator may choose freely, else the token's own.
func (c *caller) actsFor(named string) (string, error) {
	switch {
	case named == "" && c.customer == "":
		return "", invalid("customer", "missing; a token without a customer of its own must name one")
	case named == "":
		return c.customer, nil
	}
	if err := transport.CheckCustomer(named); err != nil {
		return "", err
	}
	if !c.sees(named) {
		return "", forbidden("Token of customer '" + c.customer + "' may not act for another customer")
	}
	return named, nil
}

type callerKey struct{}

func callerOf(ctx context.Context) *caller { return ctx.Value(callerKey{}).(*caller) }
