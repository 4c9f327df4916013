package main

import (
	"testing"

	"github.com/postrider/postrider/config"
)

// The commands that a development node shows to be copied reach that very node.
func TestHintsReachTheNode(t *testing.T) {
	for _, test := range []struct {
		name, file, url, nats string
		change                func(*config.Config)
		api, publish          string
	}{
		{name: "as it comes", url: defaultServer, nats: defaultNATS},
		{name: "another folder", url: defaultServer, nats: defaultNATS, change: func(c *config.Config) { c.Data = "/tmp/a b" }, api: " --data '/tmp/a b'"},
		{name: "another port of either", url: "http://127.0.0.1:9", nats: "nats://127.0.0.1:8", api: " --server http://127.0.0.1:9", publish: " --nats-url nats://127.0.0.1:8"},
		{name: "no listener", url: "http://127.0.0.1:9", api: " --server http://127.0.0.1:9", publish: " --http --server http://127.0.0.1:9"},
		{name: "an external server", url: defaultServer, nats: "nats://10.1.2.3:4222", change: func(c *config.Config) { c.NATS.URL = "nats://10.1.2.3:4222" }, publish: " --nats-url nats://10.1.2.3:4222"},
		{name: "one that asks for a password", url: defaultServer, nats: "nats://u:xxxxx@10.1.2.3:4222", change: func(c *config.Config) { c.NATS.URL = "nats://u:p@10.1.2.3:4222" }, publish: " --http"},
		{name: "a listener that asks for one", url: defaultServer, nats: defaultNATS, change: func(c *config.Config) { c.NATS.User, c.NATS.Password = "u", "p" }, publish: " --http"},
		{name: "a settings file", file: "node.yaml", url: defaultServer, api: " --config node.yaml", publish: " --http --config node.yaml"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := config.Default()
			cfg.Data = defaultData
			if test.change != nil {
				test.change(cfg)
			}
			if got := nodeHints(cfg, test.file, test.url, test.nats); got.api != test.api || got.publish != test.publish {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestWordsForAShell(t *testing.T) {
	for given, want := range map[string]string{"./data": "./data", "a b": "'a b'", "it's": `'it'\''s'`, "": "''", "$HOME": "'$HOME'"} {
		if got := shellWord(given); got != want {
			t.Errorf("%q: %s", given, got)
		}
	}
}

func TestWhereTheAPIIs(t *testing.T) {
	secured := &config.Config{HTTP: config.HTTP{Listen: ":8443", TLSCert: "cert.pem"}}
	if got := apiURL(secured); got != "https://127.0.0.1:8443" {
		t.Errorf("with TLS: %s", got)
	}
	for listen, want := range map[string]string{
		"127.0.0.1:8080": "http://127.0.0.1:8080", "0.0.0.0:80": "http://127.0.0.1:80", ":8080": "http://127.0.0.1:8080",
		"[::]:8080": "http://127.0.0.1:8080", "[::1]:8080": "http://[::1]:8080", "postrider.internal:8443": "http://postrider.internal:8443",
	} {
		if got := apiURL(&config.Config{HTTP: config.HTTP{Listen: listen}}); got != want {
			t.Errorf("%s: %s, want %s", listen, got, want)
		}
	}
}
