package jet

import (
	"github.com/nats-io/nats.go"

	"github.com/postrider/postrider/transport"
)

// SignIn is how a connection to URL proves itself and the server. Files are
// read again at each reconnect; here they are tried, so that what is wrong is
// told at the start.
func (o *Options) SignIn() ([]nats.Option, error) {
	var options []nats.Option
	if o.Credentials != "" {
		options = append(options, nats.UserCredentials(o.Credentials))
	}
	if o.NKey != "" {
		nkey, err := nats.NkeyOptionFromSeed(o.NKey)
		if err != nil {
			return nil, &transport.FieldError{Field: "nats.nkey", Value: o.NKey, Message: "holds no seed of an nkey that can be read; give a file with a line that begins with SU"}
		}
		options = append(options, nkey)
	}
	if o.TLS.CA != "" {
		if _, err := o.TLS.Roots(); err != nil {
			return nil, &transport.FieldError{Field: "nats.ca", Value: o.TLS.CA, Message: err.Error()}
		}
		options = append(options, nats.RootCAs(o.TLS.CA))
	}
	if o.TLS.Cert != "" {
		if _, err := o.TLS.Certificate(); err != nil {
			return nil, &transport.FieldError{Field: "nats.client_cert", Value: o.TLS.Cert, Message: err.Error()}
		}
		options = append(options, nats.ClientCert(o.TLS.Cert, o.TLS.Key))
	}
	return options, nil
}
