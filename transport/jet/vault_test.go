package jet

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport/jet/jettest"
)

func TestVault(t *testing.T) {
	v, err := NewVault(jettest.Key, nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewVault([]byte(strings.Repeat("k", 32)), nil)
	if err != nil {
		t.Fatal(err)
	}
	at := Place{"acme", "e1", "secret"}
	sealed := v.Seal("top secret", at)
	if strings.Contains(sealed, "top") || !strings.HasPrefix(sealed, "v1:") || sealed == v.Seal("top secret", at) {
		t.Errorf("sealed as %q", sealed)
	}
	if got, err := v.Open(sealed, at); got != "top secret" || err != nil {
		t.Errorf("opened as %q, %v", got, err)
	}
	for name, c := range map[string]struct {
		v      *Vault
		sealed string
		at     Place
	}{
		"another key":      {other, sealed, at},
		"another customer": {v, sealed, Place{"acmf", "e1", "secret"}},
		"another endpoint": {v, sealed, Place{"acme", "e2", "secret"}},
		"another field":    {v, sealed, Place{"acme", "e1", "previous secret"}},
		"words run over":   {v, sealed, Place{"acme\x00e1", "", "secret"}},
		"changed":          {v, altered(sealed), at},
	} {
		if got, err := c.v.Open(c.sealed, c.at); !errors.Is(err, ErrSealed) || got != "" || !strings.Contains(err.Error(), "POSTRIDER_MASTER_KEY") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, bad := range []string{"v2:AAAA", "top secret", "v1:", "v1:AAAA", "v1:*"} {
		if got, err := v.Open(bad, at); err == nil || got != "" || strings.Contains(err.Error(), "top secret") {
			t.Errorf("%q: %q, %v", bad, got, err)
		}
	}
	if v.Seal("", at) != "" {
		t.Error("nothing is sealed as something")
	}
}

// altered is sealed with another character in its middle: of the last one not
// every bit counts, and it may be what it would be changed to.
func altered(sealed string) string {
	at, other := len(sealed)/2, "A"
	if sealed[at] == 'A' {
		other = "B"
	}
	return sealed[:at] + other + sealed[at+1:]
}

func TestVaultGivesBackWhatItSealed(t *testing.T) {
	v, err := NewVault(jettest.Key, nil)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.String().Draw(t, "plain")
		at := Place{rapid.String().Draw(t, "customer"), rapid.String().Draw(t, "endpoint"), rapid.String().Draw(t, "field")}
		if got, err := v.Open(v.Seal(plain, at), at); got != plain || err != nil {
			t.Fatalf("%q came back as %q, %v", plain, got, err)
		}
	})
}

func FuzzVaultOpen(f *testing.F) {
	v, err := NewVault(jettest.Key, nil)
	if err != nil {
		f.Fatal(err)
	}
	at := Place{"acme", "e1", "secret"}
	f.Add(v.Seal("secret", at))
	f.Add("v1:")
	f.Fuzz(func(t *testing.T, sealed string) {
		if plain, err := v.Open(sealed, at); err == nil && plain != "" && plain != "secret" {
			t.Errorf("%q was opened", sealed)
		}
	})
}
