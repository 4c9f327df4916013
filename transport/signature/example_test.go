package signature_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/postrider/postrider/transport/signature"
)

// A receiver: read the raw body, verify, take note of the id, answer at once.
func ExampleVerifier() {
	verifier, err := signature.NewVerifier(
		signature.Config{Scheme: "genlogs"},
		[]string{"the endpoint's secret"}, // two of them while a rotation overlaps
		0,
	)
	if err != nil {
		log.Fatal(err)
	}
	receive := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<20))
		if err != nil {
			http.Error(w, "body not read", http.StatusBadRequest)
			return
		}
		if err := verifier.Verify(r.Header, body, time.Now()); err != nil {
			log.Print(err) // says what to do, and no secret
			http.Error(w, "signature refused", http.StatusUnauthorized)
			return
		}
		// Put r.Header.Get("webhook-id") and body into a queue of your own here.
		w.WriteHeader(http.StatusOK)
	}

	signer, err := signature.NewSigner(signature.Config{Scheme: "genlogs"}, signature.Secrets{Current: "the endpoint's secret"})
	if err != nil {
		log.Fatal(err)
	}
	const body = `{"event":"alert.matches_found"}`
	request := httptest.NewRequest(http.MethodPost, "/webhooks", strings.NewReader(body))
	signer.Sign(request.Header, "evt_1", time.Now(), []byte(body))
	answer := httptest.NewRecorder()
	receive(answer, request)
	fmt.Println(answer.Code)
	// Output: 200
}

func ExampleVerify() {
	header := http.Header{}
	header.Set("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
	header.Set("webhook-timestamp", "1614265330")
	header.Set("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
	body := []byte(`{"test": 2432232314}`)
	now := time.Unix(1614265330, 0) // a receiver gives time.Now()

	config := signature.Config{Scheme: "standard"}
	fmt.Println(signature.Verify(config, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", header, body, now))
	// Output: <nil>
}
