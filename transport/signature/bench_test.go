package signature_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/postrider/postrider/transport/signature"
)

var benchSizes = []int{256, 1024, 16 << 10}

// benchSchemes pairs each scheme with the bare hash it is measured against.
var benchSchemes = []struct {
	name   string
	config signature.Config
	secret string
	bare   func() hash.Hash
}{
	{"sequr", signature.Config{Scheme: "sequr"}, plainSecret, sha1.New},
	{"genlogs", signature.Config{Scheme: "genlogs"}, plainSecret, sha512.New},
	{"standard", signature.Config{Scheme: "standard"}, standardSecret, sha256.New},
	{"hmac", signature.Config{Scheme: "hmac", Header: "X-Signature"}, plainSecret, sha256.New},
	{"ed25519", signature.Config{Scheme: "standard"}, privateSecret, sha512.New},
}

// BenchmarkSign is what one attempt pays; BenchmarkBare, run beside it, is the
// scheme's hash over the same bytes, which no signature can undercut.
func BenchmarkSign(b *testing.B) {
	for _, s := range benchSchemes {
		signer, err := signature.NewSigner(s.config, signature.Secrets{Current: s.secret})
		if err != nil {
			b.Fatal(err)
		}
		eachSize(b, s.name, func(b *testing.B, body []byte) {
			h, at := http.Header{}, time.Unix(vectorUnix, 0)
			for b.Loop() {
				signer.Sign(h, vectorID, at, body)
			}
		})
	}
}

func BenchmarkBare(b *testing.B) {
	for _, s := range benchSchemes {
		eachSize(b, s.name, func(b *testing.B, body []byte) {
			h, sum := s.bare(), make([]byte, 0, sha512.Size)
			for b.Loop() {
				h.Reset()
				h.Write(body)
				h.Sum(sum)
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, s := range benchSchemes {
		eachSize(b, s.name, func(b *testing.B, body []byte) {
			at := time.Unix(vectorUnix, 0)
			h := signed(b, s.config, s.secret, vectorID, at, body)
			v, err := signature.NewVerifier(s.config, []string{s.secret}, 0)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := v.Verify(h, body, at); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSignParallel is many workers on one endpoint.
func BenchmarkSignParallel(b *testing.B) {
	s := benchSchemes[2]
	signer, err := signature.NewSigner(s.config, signature.Secrets{Current: s.secret})
	if err != nil {
		b.Fatal(err)
	}
	eachSize(b, s.name, func(b *testing.B, body []byte) {
		b.RunParallel(func(pb *testing.PB) {
			h, at := http.Header{}, time.Unix(vectorUnix, 0)
			for pb.Next() {
				signer.Sign(h, vectorID, at, body)
			}
		})
	})
}

// BenchmarkKeep backs the way keys are kept: HMAC-SHA256 over 256 bytes for
// 10,000 endpoints in turn, by this package (saved states put back into one
// borrowed hash), by a pool of crypto/hmac per endpoint, by a clone of
// crypto/hmac per signature, and by crypto/hmac made anew.
func BenchmarkKeep(b *testing.B) {
	const endpoints = 10_000
	body := make([]byte, 256)
	key := []byte(plainSecret)

	b.Run("keep=states", func(b *testing.B) {
		signers := make([]*signature.Signer, endpoints)
		for i := range signers {
			signers[i], _ = signature.NewSigner(signature.Config{Scheme: "hmac", Header: "X-Signature"}, signature.Secrets{Current: plainSecret})
		}
		h, at := http.Header{}, time.Unix(vectorUnix, 0)
		turn(b, endpoints, func(i int) { signers[i].Sign(h, "", at, body) })
	})
	b.Run("keep=pool", func(b *testing.B) {
		pools := make([]sync.Pool, endpoints)
		for i := range pools {
			pools[i].New = func() any { return hmac.New(sha256.New, key) }
		}
		h := http.Header{}
		turn(b, endpoints, func(i int) {
			mac := pools[i].Get().(hash.Hash)
			mac.Reset()
			leave(h, mac, body)
			pools[i].Put(mac)
		})
	})
	b.Run("keep=clone", func(b *testing.B) {
		macs := make([]hash.Cloner, endpoints)
		for i := range macs {
			mac := hmac.New(sha256.New, key)
			mac.Reset()
			macs[i] = mac.(hash.Cloner)
		}
		h := http.Header{}
		turn(b, endpoints, func(i int) {
			mac, _ := macs[i].Clone()
			leave(h, mac, body)
		})
	})
	b.Run("keep=nothing", func(b *testing.B) {
		h := http.Header{}
		turn(b, endpoints, func(int) { leave(h, hmac.New(sha256.New, key), body) })
	})
}

func leave(h http.Header, mac hash.Hash, body []byte) {
	var sum [sha256.Size]byte
	mac.Write(body)
	h["X-Signature"] = []string{hex.EncodeToString(mac.Sum(sum[:0]))}
}

func turn(b *testing.B, n int, do func(i int)) {
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		do(i)
		if i++; i == n {
			i = 0
		}
	}
}

func eachSize(b *testing.B, scheme string, run func(*testing.B, []byte)) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprintf("scheme=%s/size=%d", scheme, size), func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			run(b, bytes.Repeat([]byte("x"), size))
		})
	}
}
