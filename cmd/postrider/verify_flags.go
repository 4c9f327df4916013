package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postrider/postrider/transport/signature"
)

// secretVariable is where a secret can stand out of sight of process lists.
const secretVariable = "POSTRIDER_SECRET"

// addVerifyFlags gives c what a receiver knows of an endpoint: its secrets,
// and how it signs.
func addVerifyFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringArray("secret", nil, "the endpoint's secret (others on this machine may see it; default $"+secretVariable+"); repeat it for the one before a rotation")
	f.String("secret-file", "", "file that holds the secret as it is, - for stdin")
	f.String("scheme", "", "how it is signed: standard, sequr, genlogs or hmac (default as the headers tell)")
	f.String("signature-header", "", "scheme hmac: the header's name")
	f.String("signature-algorithm", "", "scheme hmac: sha1, sha256 (the default) or sha512")
	f.String("signature-encoding", "", "scheme hmac: hex (the default) or base64")
	f.String("signature-prefix", "", "scheme hmac: what stands before the signature, such as sha256=")
}

// verifyFlags reads them. A secret is taken as it is, line end and all, but
// for the one that a file ends with.
func (a *app) verifyFlags(c *cobra.Command) (signature.Config, []string, error) {
	text := func(name string) string { s, _ := c.Flags().GetString(name); return s }
	config := signature.Config{Scheme: text("scheme"), Header: text("signature-header"),
		Algorithm: text("signature-algorithm"), Encoding: text("signature-encoding"), Prefix: text("signature-prefix")}
	if config != (signature.Config{}) {
		if config.Scheme == "" {
			config.Scheme = "hmac"
		}
		if config.Scheme == "none" {
			return config, nil, usagef("--scheme none signs nothing, so nothing can be verified; leave it out")
		}
		if _, err := config.Resolve(); err != nil {
			return config, nil, usagef("--%s", signatureFlag(err))
		}
	}
	secrets, _ := c.Flags().GetStringArray("secret")
	if file := text("secret-file"); file != "" {
		if len(secrets) > 0 {
			return config, nil, usagef("--secret and --secret-file are two ways for one thing; give one")
		}
		b, err := a.readFile(file, 64<<10)
		if err != nil {
			return config, nil, usagef("--secret-file: %s", err)
		}
		secrets = []string{withoutLineEnd(string(b))}
	}
	if secret := a.getenv(secretVariable); secret != "" && len(secrets) == 0 {
		secrets = []string{secret}
	}
	return config, secrets, nil
}

// signatureFlag tells a wrong field by the flag it came from.
func signatureFlag(err error) string {
	var wrong *signature.ConfigError
	if errors.As(err, &wrong) && wrong.Field != "scheme" {
		return "signature-" + err.Error()
	}
	return err.Error()
}

func withoutLineEnd(s string) string { return strings.TrimSuffix(strings.TrimSuffix(s, "\n"), "\r") }
