package api

import (
	"encoding/json"
	"maps"

	"github.com/golang-jwt/jwt/v5"
)

// claims are what a token says. They are read by claimsOf, by their exact names.
type claims struct {
	Customer string   `json:"customer,omitempty"`
	Roles    []string `json:"roles,omitempty"`
	jwt.RegisteredClaims
}

// namedClaims are a token's claims by their exact names (encoding/json would
// take "EXP" for exp); null is not there.
type namedClaims struct{ jwt.MapClaims }

// UnmarshalJSON implements json.Unmarshaler.
func (c *namedClaims) UnmarshalJSON(raw []byte) error {
	if err := json.Unmarshal(raw, &c.MapClaims); err != nil {
		return err
	}
	maps.DeleteFunc(c.MapClaims, func(_ string, v any) bool { return v == nil })
	return nil
}

// claimsOf takes from a token's claims what is asked for; false where one of
// these is no text, or no list of texts.
func claimsOf(all jwt.MapClaims) (*claims, bool) {
	c := &claims{}
	ok := true
	for name, into := range map[string]*string{"customer": &c.Customer, "sub": &c.Subject, "iss": &c.Issuer, "jti": &c.ID} {
		if value := all[name]; value != nil {
			text, is := value.(string)
			*into, ok = text, ok && is
		}
	}
	expires, err := all.GetExpirationTime()
	c.ExpiresAt, ok = expires, ok && err == nil
	audience, err := all.GetAudience()
	c.Audience, ok = audience, ok && err == nil
	c.ExpiresAt, err = all.GetExpirationTime()
	ok = ok && err == nil
	if roles := all["roles"]; roles != nil {
		list, is := roles.([]any)
		ok = ok && is
		for _, role := range list {
			name, is := role.(string)
			c.Roles, ok = append(c.Roles, name), ok && is
		}
	}
	return c, ok
}
