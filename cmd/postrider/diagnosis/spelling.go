package diagnosis

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/postrider/postrider/transport/signature"
)

// previousSuffix ends the header of the secret before.
const previousSuffix = "-Previous"

// maxSpellings bounds how many signatures of one request are looked at.
const maxSpellings = 16

// algorithms are the hashes by the length of their sum.
var algorithms = map[int]string{20: "sha1", 32: "sha256", 64: "sha512"}

// spelling is a header's value read as a prefix and an encoded sum.
type spelling struct {
	prefix, encoding string
	sum              []byte
	// upper: hex with capitals. padded: in the alphabet that is sent.
	upper, padded bool
}

// forms are the lengths that encoded sums have, the longest first.
var forms = []struct {
	length   int
	encoding string
}{{128, "hex"}, {88, "base64"}, {86, "base64"}, {64, "hex"}, {44, "base64"}, {43, "base64"}, {40, "hex"}, {28, "base64"}, {27, "base64"}}

// spellings are the ways to read value, the most probable first.
func spellings(value string) []spelling {
	var all []spelling
	for _, f := range forms {
		if len(value) < f.length {
			continue
		}
		s := spelling{prefix: value[:len(value)-f.length], encoding: f.encoding, padded: true}
		if s.prefix != "" && isAlphanumeric(s.prefix[len(s.prefix)-1]) {
			continue
		}
		if s.read(value[len(value)-f.length:]) {
			all = append(all, s)
		}
	}
	return all
}

func (s *spelling) read(text string) bool {
	var err error
	if s.encoding == "hex" {
		s.upper = strings.ToLower(text) != text
		s.sum, err = hex.DecodeString(text)
	} else if s.sum, err = base64.StdEncoding.DecodeString(text); err != nil {
		s.padded = false
		s.sum, err = readBase64(text)
	}
	return err == nil && algorithms[len(s.sum)] != ""
}

// readBase64 reads base64 of either alphabet, padded or not.
func readBase64(text string) ([]byte, error) {
	if err := oneLine(text); err != nil {
		return nil, err
	}
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	return base64.RawStdEncoding.DecodeString(text)
}

// oneLine refuses line ends, which base64 would pass over in silence.
func oneLine(text string) error {
	if strings.ContainsAny(text, "\r\n") {
		return errors.New("there is a line end in it")
	}
	return nil
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// digest is a sum that may be the signature, and what is wrong with how it is
// written.
type digest struct {
	sum    []byte
	public bool // made with ed25519
	causes []Cause
}

// digests are the sums that the header of c, and the one of the secret before,
// may hold.
func digests(c signature.Config, h http.Header) []digest {
	var all []digest
	add := func(value string, more ...Cause) {
		for _, s := range spellings(value) {
			if len(all) < maxSpellings {
				d := s.digest(c)
				d.causes = append(d.causes, more...)
				all = append(all, d)
			}
		}
	}
	value := h.Get(c.Header)
	trimmed := strings.Trim(value, " \t\r\n\"'")
	var blank []Cause
	if trimmed != value {
		blank = []Cause{{"header_blanks", "blanks or quotes stand round the value of " + c.Header, "pass the header on as it was received"}}
	}
	if c.Scheme != standard {
		add(trimmed, blank...)
		if previous := h.Get(c.Header + previousSuffix); previous != "" {
			add(previous, previousSecret)
		}
		return all
	}
	for _, one := range strings.Fields(trimmed) {
		add(one, blank...)
	}
	return all
}

// digest tells what in s is not as c has it.
func (s *spelling) digest(c signature.Config) digest {
	d := digest{sum: s.sum}
	prefix := c.Prefix
	if c.Scheme == standard && s.prefix == "v1a," && len(s.sum) == 64 {
		d.public, prefix = true, s.prefix
	}
	algorithm := algorithms[len(s.sum)]
	otherHash := !d.public && algorithm != c.Algorithm
	if otherHash {
		d.add("algorithm", "the signature is HMAC-"+strings.ToUpper(algorithm)+" where the scheme has HMAC-"+strings.ToUpper(c.Algorithm),
			"use the same hash on both sides: "+c.Algorithm)
	}
	if s.encoding != c.Encoding {
		d.add("encoding", "the signature is written in "+s.encoding+" where the scheme has "+c.Encoding, "write it in "+c.Encoding)
	}
	if s.upper {
		d.add("hex_case", "the hex digits are capitals", "write or compare them in lower case")
	}
	if !s.padded {
		d.add("base64_alphabet", "the base64 is of the URL alphabet, or not padded with =", "use the standard alphabet with padding")
	}
	ofHash := otherHash && strings.HasPrefix(s.prefix, algorithm)
	if s.prefix != prefix && !ofHash && (c.Scheme != genlogs || s.prefix != "") {
		d.causes = append(d.causes, prefixCause(c.Header, s.prefix, prefix))
	}
	return d
}

func (d *digest) add(code Code, what, remedy string) {
	d.causes = append(d.causes, Cause{code, what, remedy})
}

func prefixCause(header, got, want string) Cause {
	switch {
	case got == "":
		return Cause{"prefix_missing", fmt.Sprintf("%s lacks the prefix %q", header, want), "pass the header on whole, prefix and all"}
	case want == "" || strings.HasPrefix(got, want) || strings.HasSuffix(got, want):
		return Cause{"prefix_extra", fmt.Sprintf("%s has a prefix too many: it begins with %q", header, got), fmt.Sprintf("let it begin with %q", want)}
	}
	return Cause{"prefix_other", fmt.Sprintf("%s begins with %q in place of %q", header, got, want), fmt.Sprintf("let it begin with %q", want)}
}
