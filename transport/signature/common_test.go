package signature_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"testing"
	"time"

	"github.com/postrider/postrider/transport/signature"
)

// The test vector that Standard Webhooks' own libraries share.
const (
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorUnix      = 1614265330
	vectorBody      = `{"test": 2432232314}`
	standardSecret  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

const (
	plainSecret = "correct horse battery staple"
	otherSecret = "tr0ub4dor & three more words"
)

// An ed25519 key pair as Standard Webhooks writes it: from RFC 8032, test 1.
var (
	seed          = unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
	private       = ed25519.NewKeyFromSeed(seed)
	privateSecret = "whsk_" + base64.StdEncoding.EncodeToString(seed)
	publicSecret  = "whpk_" + base64.StdEncoding.EncodeToString(private.Public().(ed25519.PublicKey))
)

var vectorTime = time.Unix(vectorUnix, 0)

func signed(t testing.TB, c signature.Config, secret, id string, at time.Time, body []byte) http.Header {
	t.Helper()
	return signedBy(t, c, signature.Secrets{Current: secret}, id, at, body)
}

func signedBy(t testing.TB, c signature.Config, s signature.Secrets, id string, at time.Time, body []byte) http.Header {
	t.Helper()
	signer, err := signature.NewSigner(c, s)
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	signer.Sign(h, id, at, body)
	return h
}
