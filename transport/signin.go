package transport

// SignInFlow is what a browser that was sent to a provider brings back: it is
// sealed into a cookie, and worth nothing without it.
type SignInFlow struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
}

// Person is who a provider says signed in. Roles are the API's own.
type Person struct {
	Subject  string
	Customer string
	Roles    []string
}
