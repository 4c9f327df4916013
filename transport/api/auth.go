package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/postrider/postrider/transport"
)

// MinTokenSecret is the least number of bytes of the key that signs tokens.
const MinTokenSecret = 32

const (
	tokenLeeway = 30 * time.Second
	maxToken    = 8 << 10
)

// tokens reads and checks bearer tokens.
type tokens struct {
	secret  []byte // nil: none are signed with it
	keys    *Keys  // nil: none are signed with them
	revoked func(jti string) bool
	limiter *limiter
	// counted refuses a customer's requests over its rate; nil: no limit.
	counted func(who *caller) *Error
	issuer  string
	aud     string
	parser  *jwt.Parser
	// sessions are those of browsers; nil: there are none.
	sessions *sessions
	invalid  string // what is said of a token that does not verify
}

func newTokens(o *Options) *tokens {
	t := &tokens{secret: slices.Clone(o.TokenSecret), keys: o.Keys, issuer: o.Issuer, aud: o.Audience,
		revoked: func(string) bool { return false },
		limiter: newLimiter(o.Rate, o.Burst, o.Now)}
	if o.Revocations != nil {
		t.revoked = o.Revocations.Revoked
	}
	var methods, ways []string
	if len(t.secret) > 0 {
		methods, ways = append(methods, jwt.SigningMethodHS256.Alg()), append(ways, "by this node's key with HS256")
	}
	if t.keys != nil {
		methods = append(methods, jwt.SigningMethodRS256.Alg(), jwt.SigningMethodES256.Alg(), jwt.SigningMethodEdDSA.Alg())
		ways = append(ways, "by a key of auth.jwks with RS256, ES256 or EdDSA")
	}
	t.invalid = "Token not valid: it must be signed " + strings.Join(ways, ", or ")
	t.parser = jwt.NewParser(jwt.WithValidMethods(methods), jwt.WithExpirationRequired(),
		jwt.WithLeeway(tokenLeeway), jwt.WithTimeFunc(o.Now), jwt.WithStrictDecoding())
	return t
}

// authorize gives who calls, or the 401, 403, 429 or 503 that it gets.
func (t *tokens) authorize(r *http.Request, roles []string) (*caller, *Error) {
	who, known := r.Context().Value(callerKey{}).(*caller)
	if !known {
		var failure *Error
		if who, failure = t.admit(r); failure != nil {
			return nil, failure
		}
	}
	if !who.may(roles) {
		return nil, lacksRoles(roles)
	}
	return who, nil
}

// admit gives who calls, whatever it may do, and counts the request.
func (t *tokens) admit(r *http.Request) (*caller, *Error) {
	token := tokenOf(r)
	var who *caller
	var failure *Error
	if token == "" {
		who, failure = t.sessionCaller(r)
	}
	if who == nil && failure == nil {
		who, failure = t.caller(r.Context(), token)
	}
	if failure == nil {
		failure = t.limiter.take(who.token)
	}
	if failure == nil && t.counted != nil {
		failure = t.counted(who)
	}
	return who, failure
}

func tokenOf(r *http.Request) string {
	scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " ")
	if found && strings.EqualFold(scheme, "bearer") {
		return strings.TrimSpace(token)
	}
	return r.Header.Get("Access-Token")
}

func (t *tokens) caller(ctx context.Context, token string) (*caller, *Error) {
	switch {
	case token == "":
		return nil, unauthorized("Token missing: send Authorization: Bearer <jwt> or Access-Token: <jwt>")
	case len(token) > maxToken:
		return nil, unauthorized("Token too long: at most 8192 bytes")
	}
	var all namedClaims
	parsed, err := t.parser.ParseWithClaims(token, &all, func(token *jwt.Token) (any, error) { return t.key(ctx, token) })
	if failure := t.refusal(err); failure != nil {
		return nil, failure
	}
	c, ok := claimsOf(all.MapClaims)
	if !ok {
		return nil, unauthorized(t.invalid)
	}
	if failure := t.checkClaims(c, parsed.Method.Alg()); failure != nil {
		return nil, failure
	}
	who := &caller{customer: c.Customer, roles: c.Roles, subject: c.Subject, token: sha256.Sum256([]byte(token)), jti: c.ID}
	if c.ExpiresAt != nil {
		who.expires = c.ExpiresAt.Time
	}
	if who.customer == "" && who.operator() {
		return who, nil
	}
	if transport.CheckCustomer(who.customer) != nil {
		return nil, unauthorized("Token has no valid customer claim")
	}
	return who, nil
}

// key gives what a token must be signed with: its algorithm alone decides
// between the secret and the public keys, and each of these is good for one
// algorithm, so that no key is ever used as one of another kind. Keys that the
// token itself brings or points to (jwk, jku, x5c, x5u) are not looked at.
func (t *tokens) key(ctx context.Context, token *jwt.Token) (any, error) {
	if _, there := token.Header["crit"]; there {
		return nil, errors.New("it asks for extensions that are not known here")
	}
	alg := token.Method.Alg()
	if alg == jwt.SigningMethodHS256.Alg() {
		return t.secret, nil // the parser knows HS256 only where there is one
	}
	_, isText := token.Header["kid"].(string)
	if _, there := token.Header["kid"]; there && !isText {
		return nil, errors.New("its kid is no text")
	}
	return t.keys.find.KeyfuncCtx(ctx)(token)
}

// refusal is the answer to a token that the parser did not take.
func (t *tokens) refusal(err error) *Error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errNoKeys):
		return newError(http.StatusServiceUnavailable, "Token cannot be checked: "+errNoKeys.Error()+"; /readyz tells more, try again").retryAfter(5)
	case errors.Is(err, jwt.ErrTokenExpired):
		return unauthorized("Token expired: get a new one")
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return unauthorized("Token not valid yet: check the clocks")
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return unauthorized("Token has no exp claim: get one that expires")
	}
	return unauthorized(t.invalid)
}

// checkClaims: issuer and audience are asked of tokens that others sign alone.
func (t *tokens) checkClaims(c *claims, alg string) *Error {
	others := alg != jwt.SigningMethodHS256.Alg()
	switch {
	case others && t.issuer != "" && c.Issuer != t.issuer:
		return unauthorized("Token is from another issuer: its iss claim must be auth.issuer")
	case others && t.aud != "" && !slices.Contains(c.Audience, t.aud):
		return unauthorized("Token is for others: its aud claim must name auth.audience")
	case c.ID != "" && t.revoked(c.ID):
		return unauthorized("Token revoked: get a new one")
	}
	return nil
}
