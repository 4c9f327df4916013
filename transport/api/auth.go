package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/postrider/postrider/transport"
)

// MinTokenSecret is the least number of bytes of the key that signs tokens.
const MinTokenSecret = 32

const (
	tokenLeeway = 30 * time.Second
	maxToken    = 8 << 10
)

// The roles of tokens. Admin may do everything within its customer; operator
// may do everything for every customer.
const (
	RoleAdmin          = "admin"
	RoleOperator       = "operator"
	RoleCreateEndpoint = "create-alert-webhook-endpoint"
	RoleEditEndpoint   = "edit-alert-webhook-endpoint"
	RoleDeleteEndpoint = "external-api-delete-alert-webhook-endpoint"
	RoleListEndpoints  = "external-api-get-webhook-list"
	RoleTestEndpoint   = "test-alert-webhook-endpoint"
	RolePublishEvents  = "publish-events"
	RoleReplay         = "replay-deliveries"
)

// claims are what a token says.
type claims struct {
	Customer string   `json:"customer,omitempty"`
	Roles    []string `json:"roles,omitempty"`
	jwt.RegisteredClaims
}

// caller is who makes a request.
type caller struct {
	customer string
	roles    []string
}

func (c *caller) has(role string) bool { return slices.Contains(c.roles, role) }
func (c *caller) operator() bool       { return c.has(RoleOperator) }
func (c *caller) admin() bool          { return c.has(RoleAdmin) || c.operator() }

// may tells whether c has one of roles, or stands above them; no roles: anyone.
func (c *caller) may(roles []string) bool {
	return len(roles) == 0 || c.admin() || slices.ContainsFunc(roles, c.has)
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

// tokens reads and checks bearer tokens.
type tokens struct {
	secret []byte
	parser *jwt.Parser
}

func newTokens(secret []byte, now func() time.Time) *tokens {
	return &tokens{secret: slices.Clone(secret), parser: jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithExpirationRequired(), jwt.WithLeeway(tokenLeeway),
		jwt.WithTimeFunc(now), jwt.WithStrictDecoding())}
}

// authorize gives who calls, or the 401 or 403 that it gets.
func (t *tokens) authorize(r *http.Request, roles []string) (*caller, *Error) {
	who, failure := t.caller(tokenOf(r))
	if failure != nil {
		return nil, failure
	}
	if !who.may(roles) {
		return nil, lacksRoles(roles)
	}
	return who, nil
}

func tokenOf(r *http.Request) string {
	scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " ")
	if found && strings.EqualFold(scheme, "bearer") {
		return strings.TrimSpace(token)
	}
	return r.Header.Get("Access-Token")
}

func (t *tokens) caller(token string) (*caller, *Error) {
	switch {
	case token == "":
		return nil, unauthorized("Token missing: send Authorization: Bearer <jwt> or Access-Token: <jwt>")
	case len(token) > maxToken:
		return nil, unauthorized("Token too long: at most 8192 bytes")
	}
	var c claims
	_, err := t.parser.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return t.secret, nil })
	switch {
	case err == nil:
	case errors.Is(err, jwt.ErrTokenExpired):
		return nil, unauthorized("Token expired: get a new one")
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return nil, unauthorized("Token not valid yet: check the clocks")
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return nil, unauthorized("Token has no exp claim: get one that expires")
	default:
		return nil, unauthorized("Token not valid: it must be signed by this node's key with HS256")
	}
	who := &caller{customer: c.Customer, roles: c.Roles}
	if who.customer == "" && who.operator() {
		return who, nil
	}
	if transport.CheckCustomer(who.customer) != nil {
		return nil, unauthorized("Token has no valid customer claim")
	}
	return who, nil
}

// MintToken makes a token for customer with roles, valid from now for ttl.
// secret is the node's key, 32 bytes or more. Only an operator's token may be
// without a customer. Errors are *transport.FieldError.
func MintToken(secret []byte, customer string, roles []string, ttl time.Duration, now time.Time) (string, error) {
	if err := checkTokenSecret(secret); err != nil {
		return "", err
	}
	if ttl <= 0 {
		return "", &transport.FieldError{Field: "ttl", Value: ttl.String(), Message: "not positive; give a duration such as 1h"}
	}
	subject := customer
	if customer == "" && slices.Contains(roles, RoleOperator) {
		subject = RoleOperator
	} else if err := transport.CheckCustomer(customer); err != nil {
		return "", err
	}
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{Customer: customer, Roles: roles,
		RegisteredClaims: jwt.RegisteredClaims{ID: uuid.NewString(), Subject: subject,
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(ttl))}})
	return token.SignedString(secret)
}

func checkTokenSecret(secret []byte) error {
	if len(secret) < MinTokenSecret {
		return &transport.FieldError{Field: "auth.secret",
			Message: fmt.Sprintf("%d bytes long; give %d or more random bytes", len(secret), MinTokenSecret)}
	}
	return nil
}
