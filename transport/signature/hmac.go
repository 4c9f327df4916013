package signature

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
)

// state is a hash whose state can be saved and put back; those of the standard
// library all are.
type state interface {
	hash.Hash
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

// algorithm is a hash function and its place in a scratch.
type algorithm struct {
	place int
	new   func() hash.Hash
}

var algorithms = map[string]algorithm{
	"sha1":   {0, sha1.New},
	"sha256": {1, sha256.New},
	"sha512": {2, sha512.New},
}

// hmacKey is a key of HMAC (RFC 2104) as FIPS 198-1, section 6, allows to keep
// it: the hash states after the two padded keys. They are put back into a
// borrowed hash at each signature, which spares two blocks of hashing, and
// costs an idle endpoint some 200-400 bytes in place of two hashes of its own.
type hmacKey struct {
	algorithm    algorithm
	inner, outer []byte
	look         form
}

func newHMACKey(c Config, secret []byte) *hmacKey {
	a := algorithms[c.Algorithm]
	h := a.new().(state)
	if len(secret) > h.BlockSize() {
		h.Write(secret)
		secret = h.Sum(nil)
	}
	k := &hmacKey{algorithm: a, look: form{prefix: c.Prefix, length: hex.EncodedLen(h.Size())}}
	if c.Encoding == "base64" {
		k.look.length, k.look.base64 = base64.StdEncoding.EncodedLen(h.Size()), true
	}
	k.inner, k.outer = padded(h, secret, 0x36), padded(h, secret, 0x5c)
	return k
}

// padded is the state of h after one block: secret, filled with zeros, each
// byte xor pad.
func padded(h state, secret []byte, pad byte) []byte {
	block := make([]byte, h.BlockSize())
	copy(block, secret)
	for i := range block {
		block[i] ^= pad
	}
	h.Reset()
	h.Write(block)
	saved, err := h.AppendBinary(nil)
	if err != nil {
		panic("signature: a hash of the standard library gave no state: " + err.Error())
	}
	return saved
}

// Format masks, whatever the verb: the states are as good as the secret.
func (k *hmacKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

func (k *hmacKey) form() form { return k.look }

func (k *hmacKey) append(dst []byte, w *scratch, head, body []byte) []byte {
	dst = append(dst, k.look.prefix...)
	sum := k.sum(w, head, body)
	if k.look.base64 {
		return base64.StdEncoding.AppendEncode(dst, sum)
	}
	return hex.AppendEncode(dst, sum)
}

// sum is the HMAC of head and body; it is valid until w is used again.
func (k *hmacKey) sum(w *scratch, head, body []byte) []byte {
	h := w.hash(k.algorithm)
	restore(h, k.inner)
	h.Write(head)
	h.Write(body)
	sum := h.Sum(w.sum[:0])
	restore(h, k.outer)
	h.Write(sum)
	return h.Sum(w.sum[:0])
}

func restore(h state, saved []byte) {
	if err := h.UnmarshalBinary(saved); err != nil {
		panic("signature: a hash of the standard library refused its own state: " + err.Error())
	}
}

func (k *hmacKey) check(w *scratch, candidates []string, head, body []byte) bool {
	w.text = k.append(w.text[:0], w, head, body)
	return matches(w.text, candidates)
}
