package email

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/postrider/postrider/transport"
)

// LinkPath is the path of a link, LinkParameter its one parameter.
const (
	LinkPath      = "/confirm"
	LinkParameter = "t"
	linkPurpose   = "postrider: confirmation of a mailbox"
	maxLinkToken  = 2048
)

// Links makes and reads the links by which the owner of a mailbox confirms that
// a customer's mails may come. A link tells all by itself, so that every node
// with the same master key can read it, and shows nothing of it: customer,
// address and end are encrypted, and nobody else can make one.
type Links struct {
	base string
	// seal makes links; those of the key before are read too.
	seal cipher.AEAD
	keys []cipher.AEAD
}

// NewLinks makes links below publicURL. Previous is the master key before; nil: none.
func NewLinks(publicURL string, master, previous []byte) (*Links, error) {
	l := &Links{base: strings.TrimRight(publicURL, "/") + LinkPath}
	if safeURL(l.base) == "" {
		return nil, &transport.FieldError{Field: "http.public_url", Message: "not an address that mails may link to; give one such as https://hooks.example.com"}
	}
	if len(master) == 0 {
		return nil, &transport.FieldError{Field: "master_key", Message: "missing; links are sealed with it"}
	}
	for _, key := range [][]byte{master, previous} {
		if len(key) == 0 {
			continue
		}
		aead, err := transport.DeriveAEAD(key, linkPurpose)
		if err != nil {
			return nil, err
		}
		l.keys = append(l.keys, aead)
	}
	l.seal = l.keys[0]
	return l, nil
}

// sealedLink is what a link holds.
type sealedLink struct {
	Customer string `json:"c"`
	Address  string `json:"a"`
	Until    int64  `json:"u"`
}

// Make gives the link of one customer's mailbox; it can be used until then.
func (l *Links) Make(customer, address string, until time.Time) string {
	plain, err := json.Marshal(sealedLink{customer, address, until.Unix()})
	if err != nil {
		panic(err) // texts and a number always have a JSON form
	}
	nonce := make([]byte, l.seal.NonceSize())
	_, _ = rand.Read(nonce) // never fails: crypto/rand ends the process instead
	token := base64.RawURLEncoding.EncodeToString(l.seal.Seal(nonce, nonce, plain, nil))
	return l.base + "?" + url.Values{LinkParameter: {token}}.Encode()
}

// Read gives whose mailbox the token of a link is for. The error is
// transport.ErrLinkInvalid, or transport.ErrLinkExpired.
func (l *Links) Read(token string, now time.Time) (customer, address string, err error) {
	plain, err := l.open(token)
	if err != nil {
		return "", "", err
	}
	var in sealedLink
	if err := json.Unmarshal(plain, &in); err != nil {
		return "", "", transport.ErrLinkInvalid
	}
	if _, err := transport.CheckAddress("address", in.Address); err != nil || transport.CheckCustomer(in.Customer) != nil {
		return "", "", transport.ErrLinkInvalid
	}
	if until := time.Unix(in.Until, 0); !now.Before(until) {
		return "", "", fmt.Errorf("since %s: %w", until.UTC().Format(time.RFC3339), transport.ErrLinkExpired)
	}
	return in.Customer, in.Address, nil
}

func (l *Links) open(token string) ([]byte, error) {
	if len(token) > maxLinkToken || strings.ContainsAny(token, "\r\n") { // which base64 passes over
		return nil, transport.ErrLinkInvalid
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) < l.seal.NonceSize() {
		return nil, transport.ErrLinkInvalid
	}
	for _, key := range l.keys {
		if plain, err := key.Open(nil, raw[:key.NonceSize()], raw[key.NonceSize():], nil); err == nil {
			return plain, nil
		}
	}
	return nil, transport.ErrLinkInvalid
}
