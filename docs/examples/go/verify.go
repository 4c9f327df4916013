//go:build ignore

// Verifies a Postrider webhook with the standard library alone.
// (github.com/postrider/postrider/transport/signature does it in one call.)
//
//	go run verify.go <scheme> <secret> <header-value> [id timestamp] < body
//
// Exit status: 0 genuine, 1 not genuine, 2 wrong usage.
package main

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

const tolerance = 5 * time.Minute

// verifySequr takes the value of X-Sequr-Signature.
func verifySequr(secret, signature string, body []byte) bool {
	return hmac.Equal([]byte(signature), []byte("sha1="+hexMAC(sha1.New, secret, body)))
}

// verifyGenLogs takes the value of X-GenLogs-Signature, with or without sha512=.
func verifyGenLogs(secret, signature string, body []byte) bool {
	signature = strings.TrimPrefix(signature, "sha512=")
	return hmac.Equal([]byte(signature), []byte(hexMAC(sha512.New, secret, body)))
}

// verifyStandard takes the values of webhook-signature, webhook-id and
// webhook-timestamp; webhook-signature may hold several signatures.
func verifyStandard(secret, signatures, id, timestamp string, body []byte) bool {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return false
	}
	now := time.Now().Unix()
	if limit := int64(tolerance / time.Second); seconds < now-limit || seconds > now+limit {
		return false
	}
	key := []byte(secret)
	if encoded, found := strings.CutPrefix(secret, "whsec_"); found {
		if key, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return false
		}
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.", id, timestamp)
	mac.Write(body)
	want := []byte("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	for _, signature := range strings.Split(signatures, " ") {
		if hmac.Equal([]byte(signature), want) {
			return true
		}
	}
	return false
}

func hexMAC(algorithm func() hash.Hash, secret string, body []byte) string {
	mac := hmac.New(algorithm, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

func main() {
	args := os.Args[1:]
	body, err := io.ReadAll(os.Stdin)
	var genuine bool
	switch {
	case err == nil && len(args) == 3 && args[0] == "sequr":
		genuine = verifySequr(args[1], args[2], body)
	case err == nil && len(args) == 3 && args[0] == "genlogs":
		genuine = verifyGenLogs(args[1], args[2], body)
	case err == nil && len(args) == 5 && args[0] == "standard":
		genuine = verifyStandard(args[1], args[2], args[3], args[4], body)
	default:
		fmt.Fprintln(os.Stderr, "usage: verify sequr|genlogs|standard <secret> <header-value> [id timestamp] < body")
		os.Exit(2)
	}
	if !genuine {
		fmt.Println("not genuine")
		os.Exit(1)
	}
	fmt.Println("genuine")
}
