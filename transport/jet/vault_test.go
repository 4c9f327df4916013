package jet

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestVault(t *testing.T) {
	v, err := newVault(testKey, nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := newVault([]byte(strings.Repeat("k", 32)), nil)
	if err != nil {
		t.Fatal(err)
	}
	at := place{"acme", "e1", fieldSecret}
	sealed := v.seal("top secret", at)
	if strings.Contains(sealed, "top") || !strings.HasPrefix(sealed, "v1:") || sealed == v.seal("top secret", at) {
		t.Errorf("sealed as %q", sealed)
	}
	if got, err := v.open(sealed, at); got != "top secret" || err != nil {
		t.Errorf("opened as %q, %v", got, err)
	}
	for name, c := range map[string]struct {
		v      *vault
		sealed string
		at     place
	}{
		"another key":      {other, sealed, at},
		"another customer": {v, sealed, place{"acmf", "e1", fieldSecret}},
		"another endpoint": {v, sealed, place{"acme", "e2", fieldSecret}},
		"another field":    {v, sealed, place{"acme", "e1", fieldPrevious}},
		"words run over":   {v, sealed, place{"acme\x00e1", "", fieldSecret}},
		"changed":          {v, sealed[:len(sealed)-1] + "A", at},
	} {
		if got, err := c.v.open(c.sealed, c.at); !errors.Is(err, errSealed) || got != "" || !strings.Contains(err.Error(), "POSTRIDER_MASTER_KEY") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, bad := range []string{"v2:AAAA", "top secret", "v1:", "v1:AAAA", "v1:*"} {
		if got, err := v.open(bad, at); err == nil || got != "" || strings.Contains(err.Error(), "top secret") {
			t.Errorf("%q: %q, %v", bad, got, err)
		}
	}
	if v.seal("", at) != "" {
		t.Error("nothing is sealed as something")
	}
}

func TestVaultGivesBackWhatItSealed(t *testing.T) {
	v, err := newVault(testKey, nil)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.String().Draw(t, "plain")
		at := place{rapid.String().Draw(t, "customer"), rapid.String().Draw(t, "endpoint"), rapid.String().Draw(t, "field")}
		if got, err := v.open(v.seal(plain, at), at); got != plain || err != nil {
			t.Fatalf("%q came back as %q, %v", plain, got, err)
		}
	})
}

func FuzzVaultOpen(f *testing.F) {
	v, err := newVault(testKey, nil)
	if err != nil {
		f.Fatal(err)
	}
	at := place{"acme", "e1", fieldSecret}
	f.Add(v.seal("secret", at))
	f.Add("v1:")
	f.Fuzz(func(t *testing.T, sealed string) {
		if plain, err := v.open(sealed, at); err == nil && plain != "" && plain != "secret" {
			t.Errorf("%q was opened", sealed)
		}
	})
}
