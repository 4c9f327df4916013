package api

import (
	"fmt"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/postrider/postrider/transport"
)

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
