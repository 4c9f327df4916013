package signin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/postrider/postrider/transport"
)

// timeout bounds each request to the provider.
const timeout = 10 * time.Second

// Options say which provider, and what its claims mean.
type Options struct {
	Issuer, ClientID, ClientSecret string
	// RedirectURL is the node's own address that the provider sends browsers back to.
	RedirectURL string
	Scopes      []string
	// CustomerClaim and RolesClaim name claims of the id token: a text, and a
	// text or a list of texts. Customer is that of people whose token names none.
	CustomerClaim, RolesClaim, Customer string
	// Roles gives the API's roles for each of the provider's; nil: they are the same.
	Roles map[string][]string
	// Client makes the requests to the provider; nil: one with a time limit.
	Client *http.Client
}

// Provider is one. It is safe for concurrent use.
type Provider struct {
	Options
	mu   sync.Mutex
	seen *oidc.Provider // once it has answered
}

// New asks the provider nothing yet.
func New(o Options) *Provider {
	if o.Client == nil {
		o.Client = &http.Client{Timeout: timeout}
	}
	return &Provider{Options: o}
}

// discover asks the provider for its addresses, once it answers for good.
func (p *Provider) discover(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen != nil {
		return p.seen, nil
	}
	// The context is kept for keys that are fetched later; the client has its own limit.
	seen, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.Client), p.Issuer)
	if err != nil {
		return nil, fmt.Errorf("the sign-in provider %s does not answer: %w: %w", p.Issuer, err, transport.ErrUnavailable)
	}
	p.seen = seen
	return seen, nil
}

func (p *Provider) config(seen *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{ClientID: p.ClientID, ClientSecret: p.ClientSecret, RedirectURL: p.RedirectURL,
		Endpoint: seen.Endpoint(), Scopes: slices.Concat([]string{oidc.ScopeOpenID}, p.Scopes)}
}

// Begin gives where a browser is to go, and what it is to bring back.
func (p *Provider) Begin(ctx context.Context) (url string, flow transport.SignInFlow, err error) {
	seen, err := p.discover(ctx)
	if err != nil {
		return "", flow, err
	}
	flow = transport.SignInFlow{State: oauth2.GenerateVerifier(), Nonce: oauth2.GenerateVerifier(), Verifier: oauth2.GenerateVerifier()}
	return p.config(seen).AuthCodeURL(flow.State, oidc.Nonce(flow.Nonce), oauth2.S256ChallengeOption(flow.Verifier)), flow, nil
}

// Finish gives who signed in.
func (p *Provider) Finish(ctx context.Context, code string, flow transport.SignInFlow) (*transport.Person, error) {
	seen, err := p.discover(ctx)
	if err != nil {
		return nil, err
	}
	ctx = oidc.ClientContext(ctx, p.Client)
	token, err := p.config(seen).Exchange(ctx, code, oauth2.VerifierOption(flow.Verifier))
	if err != nil {
		return nil, fmt.Errorf("the provider does not take the code: %w", plain(err))
	}
	raw, there := token.Extra("id_token").(string)
	if !there {
		return nil, errors.New("the provider gave no id token; is the scope openid allowed for this client?")
	}
	id, err := seen.Verifier(&oidc.Config{ClientID: p.ClientID}).Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("the id token is not good: %w", err)
	}
	if id.Nonce != flow.Nonce {
		return nil, errors.New("the id token is of another sign-in")
	}
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return nil, fmt.Errorf("the id token cannot be read: %w", err)
	}
	return p.person(id.Subject, claims), nil
}

// plain leaves out what the provider answered beside its error code: it may
// repeat what it was sent.
func plain(err error) error {
	var answer *oauth2.RetrieveError
	if errors.As(err, &answer) {
		return errors.New(cmp.Or(answer.ErrorCode, answer.Response.Status))
	}
	return err
}

// person gives the claims their meaning.
func (p *Provider) person(subject string, claims map[string]any) *transport.Person {
	who := &transport.Person{Subject: subject, Customer: p.Customer}
	if named, is := claims[p.CustomerClaim].(string); is && named != "" {
		who.Customer = named
	}
	for _, name := range []string{"preferred_username", "email"} {
		if text, is := claims[name].(string); is && text != "" {
			who.Subject = text
			break
		}
	}
	for _, theirs := range texts(claims[p.RolesClaim]) {
		ours := []string{theirs}
		if p.Roles != nil {
			ours = p.Roles[theirs]
		}
		for _, role := range ours {
			if !slices.Contains(who.Roles, role) {
				who.Roles = append(who.Roles, role)
			}
		}
	}
	return who
}

// texts are a claim that is a text or a list of them.
func texts(claim any) (all []string) {
	switch claim := claim.(type) {
	case string:
		return []string{claim}
	case []any:
		for _, one := range claim {
			if text, is := one.(string); is {
				all = append(all, text)
			}
		}
	}
	return all
}
