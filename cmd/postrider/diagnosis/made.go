package diagnosis

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
)

var hashes = map[int]func() hash.Hash{sha1.Size: sha1.New, sha256.Size: sha256.New, sha512.Size: sha512.New}

// made tells whether k made the sum over m.
func (k *key) made(d *digest, m *message) bool {
	if d.public != (k.public != nil) {
		return false
	}
	if d.public {
		return ed25519.Verify(k.public, append(m.head[:len(m.head):len(m.head)], m.body...), d.sum)
	}
	mac := hmac.New(hashes[len(d.sum)], k.symmetric)
	mac.Write(m.head)
	mac.Write(m.body)
	return hmac.Equal(mac.Sum(nil), d.sum)
}
