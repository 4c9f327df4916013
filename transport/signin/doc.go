// Package signin lets people sign in by an OpenID Connect provider: the
// authorization code flow with PKCE.
//
// It promises that a code is taken only with the state, nonce and verifier that
// the same browser was sent away with, that an id token is one of this issuer,
// for this client and not expired, and that nobody gets a role that the settings
// do not give. A provider that is away is asked again at the next sign-in; the
// start of a node does not wait for it.
//
// It may import transport; go-oidc and x/oauth2 have their only door here.
package signin
