package diagnosis

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// key is what may have signed, and what is wrong with the secret if so.
type key struct {
	symmetric []byte
	public    ed25519.PublicKey
	causes    []Cause
}

var previousSecret = Cause{"previous_secret", "it is the secret before that signed, not the current one",
	"the secret was rotated: change over to the new one within the overlap, and accept either meanwhile"}

// keys are the keys that secrets may stand for, as they are meant first.
func keys(scheme string, secrets []string) []key {
	var all []key
	known := map[string]bool{}
	for i, secret := range secrets {
		for _, text := range texts(secret) {
			for _, k := range readings(scheme, text.value) {
				id := string(k.public) + "/" + string(k.symmetric)
				if known[id] {
					continue
				}
				known[id] = true
				k.causes = append(append([]Cause{}, text.causes...), k.causes...)
				if i > 0 {
					k.causes = append(k.causes, previousSecret)
				}
				all = append(all, k)
			}
		}
	}
	return all
}

// text is a secret as it may have been meant.
type text struct {
	value  string
	causes []Cause
}

func texts(secret string) []text {
	all := []text{{value: secret}}
	add := func(value string, code Code, what, remedy string) {
		if value != secret && value != "" {
			all = append(all, text{value, []Cause{{code, what, remedy}}})
		}
	}
	add(strings.TrimSpace(secret), "secret_blanks", "the secret given has a line end or blanks at its ends", "take them away; printf %s writes a file without a line end")
	add(strings.Trim(secret, "\"'` \t\r\n"), "secret_quotes", "the secret given has quotes round it", "take them away")
	add(secret+"\n", "secret_line_end", "the sender's secret ends in a line end, and the one given does not", "set the sender's secret without it, by a rotation")
	add(secret+"\r\n", "secret_line_end", "the sender's secret ends in a Windows line end, and the one given does not", "set the sender's secret without it, by a rotation")
	if bare := strings.TrimSpace(secret); isHex(bare) {
		add(strings.ToLower(bare), "secret_case", "the secret given is in capitals, and signed with in lower case", "give it in lower case: it is text, not bytes")
		add(strings.ToUpper(bare), "secret_case", "the secret given is in lower case, and signed with in capitals", "give it in capitals: it is text, not bytes")
	}
	return all
}

// The prefixes of Standard Webhooks' keys.
const (
	symmetricPrefix = "whsec_"
	privatePrefix   = "whsk_"
	publicPrefix    = "whpk_"
)

// readings are the keys that a secret's text may stand for, first the one that
// it is by the scheme.
func readings(scheme, secret string) []key {
	bare, prefix := cutPrefix(secret)
	var all []key
	add := func(b []byte, code Code, what, remedy string) {
		switch {
		case len(b) == 0:
		case code == "":
			all = append(all, key{symmetric: b})
		default:
			all = append(all, key{symmetric: b, causes: []Cause{{code, what, remedy}}})
		}
	}
	decoded, _ := readBase64(bare)
	bytes, _ := hex.DecodeString(bare)
	switch {
	case scheme == standard && prefix == symmetricPrefix:
		if strict, err := base64.StdEncoding.DecodeString(bare); err == nil && oneLine(bare) == nil {
			add(strict, "", "", "")
		}
		add(decoded, "secret_alphabet", "what follows whsec_ is in the URL alphabet, or not padded with =", "write it in standard base64 with padding")
		add([]byte(bare), "secret_not_decoded", "the key that signed is the text after whsec_, not what that decodes to", "decode what follows whsec_ from base64, and use those bytes")
		add([]byte(secret), "secret_not_decoded", "the key that signed is the whole text of the secret, whsec_ and all", "decode what follows whsec_ from base64, and use those bytes")
	case scheme == standard:
		add([]byte(secret), "", "", "")
		add(decoded, "secret_prefix_missing", "the secret given lacks its whsec_: the key that signed is what it decodes to", "give it with whsec_ in front")
	default:
		add([]byte(secret), "", "", "")
		if prefix != "" {
			add([]byte(bare), "secret_prefix_extra", "the key that signed is the secret's text without "+prefix, "give it as the sender has it: without "+prefix)
		} else {
			add([]byte(symmetricPrefix+secret), "secret_prefix_missing", "the key that signed is the secret's text with whsec_ in front", "give it with whsec_ in front")
		}
		add(decoded, "secret_decoded", "the key that signed is what the secret decodes to from base64, where the scheme takes its text", "use the secret's text as it is, without decoding it")
	}
	add(bytes, "secret_hex", "the key that signed is what the secret decodes to from hex, where the scheme takes its text", "use the secret's text as it is, without decoding it")
	add([]byte(hex.EncodeToString([]byte(secret))), "secret_encoded", "the key that signed is the hex form of the secret given", "give the secret's text as the sender has it, in hex")
	add([]byte(base64.StdEncoding.EncodeToString([]byte(secret))), "secret_encoded", "the key that signed is the base64 form of the secret given", "give the secret's text as the sender has it, in base64")
	if scheme == standard {
		all = append(all, publicKeys(bare, prefix)...)
	}
	return all
}

func cutPrefix(secret string) (bare, prefix string) {
	for _, prefix := range []string{symmetricPrefix, privatePrefix, publicPrefix} {
		if bare, found := strings.CutPrefix(secret, prefix); found {
			return bare, prefix
		}
	}
	return secret, ""
}

// publicKeys are the ed25519 keys that a text may stand for.
func publicKeys(bare, prefix string) []key {
	raw, err := readBase64(bare)
	if err != nil || len(raw) != ed25519.PublicKeySize && len(raw) != ed25519.PrivateKeySize {
		if raw, err = hex.DecodeString(bare); err != nil {
			return nil
		}
	}
	var all []key
	add := func(public ed25519.PublicKey, meant string) {
		k := key{public: public}
		if prefix != meant {
			k.causes = []Cause{{"key_kind", "the key given is an ed25519 key that lacks its " + meant, "give it with " + meant + " in front, in base64"}}
		}
		all = append(all, k)
	}
	if len(raw) == ed25519.PublicKeySize {
		add(raw, publicPrefix)
	}
	if len(raw) == ed25519.SeedSize || len(raw) == ed25519.PrivateKeySize {
		private := ed25519.NewKeyFromSeed(raw[:ed25519.SeedSize])
		add(private.Public().(ed25519.PublicKey), privatePrefix)
	}
	return all
}

func isHex(s string) bool {
	return s != "" && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}
