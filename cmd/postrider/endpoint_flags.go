package main

import (
	"strings"

	"github.com/spf13/cobra"
)

var endpointFlags = []fieldFlag{
	{"url", "url", text, "where deliveries are posted to; https (http on a development node)"},
	{"name", "name", text, "a name for people"},
	{"description", "description", text, "a longer description"},
	{"enabled", "enabled", flag, "whether events are wanted at all"},
	{"profile", "profile", text, "defaults of the rest: standard, genea, genlogs or custom"},
	{"version", "version", text, "version of genea bodies: v1 (VertX hardware), v2 (Mercury) or v3 (both); by default what the customer's locations need"},
	{"format", "format", text, "form of the body: standard, cloudevents, raw, genea or genlogs (default the profile's)"},
	{"events", "events", list, "pattern of the event types wanted, such as 'access.>'; repeatable"},
	{"filter", "filter", text, "which of these events, a CEL expression such as \"event.data.door == 'Main'\""},
	{"header", "headers", pairs, "header added to each delivery, NAME=VALUE; NAME= takes it away; repeatable"},
	{"body", "body", document, "JSON file of the body to send, with ${CEL} in its strings; - for stdin"},
	{"body-mode", "body_mode", text, "whether body takes the place of the profile's (replace) or is added to it (merge)"},
	{"scheme", "signature.scheme", text, "how deliveries are signed: standard, sequr, genlogs, hmac or none"},
	{"signature-header", "signature.header", text, "scheme hmac: the header's name"},
	{"signature-algorithm", "signature.algorithm", text, "scheme hmac: sha1, sha256 or sha512"},
	{"signature-encoding", "signature.encoding", text, "scheme hmac: hex or base64"},
	{"signature-prefix", "signature.prefix", text, "scheme hmac: what stands before the signature, such as sha256="},
	{"retries", "delivery.retries", flag, "whether failed deliveries are tried again"},
	{"schedule", "delivery.schedule", commas, "waits between attempts, such as 10s,1m,1h"},
	{"jitter", "delivery.jitter", number, "spread of each wait, 0 to 0.5 of it"},
	{"timeout", "delivery.timeout", text, "time limit of one attempt, 1s to 60s"},
	{"success", "delivery.success", text, "what counts as delivered: 200 or 2xx"},
	{"concurrency", "delivery.concurrency", number, "deliveries under way at once, 1 to 256"},
	{"rate", "delivery.rate", number, "deliveries a second at most, such as 50 or 0.5; 0: no limit"},
	{"burst", "delivery.burst", number, "deliveries that may go at once beside the rate (default twice the rate)"},
	{"ordered", "delivery.ordered", flag, "one at a time in the order of the log; the next waits for the one before"},
	{"max-waiting", "delivery.max_waiting", number, "events that may wait; beyond it they become dead letters"},
	{"max-age", "delivery.max_age", text, "older events are skipped, such as 24h; empty: none are"},
	{"tls-ca", "tls.ca", contents, "PEM file of a CA that is trusted besides the system's"},
	{"tls-cert", "tls.client_certificate", contents, "PEM file of the client certificate"},
	{"tls-key", "tls.client_key", contents, "PEM file of the client certificate's key"},
}

// addEndpointFlags gives c a flag for each field of an endpoint.
func addEndpointFlags(c *cobra.Command) {
	addFieldFlags(c, endpointFlags)
	c.Flags().Bool("no-retries", false, "the same as --retries=false")
}

// endpointBody makes the JSON of the fields whose flags were given.
func (a *app) endpointBody(c *cobra.Command) (map[string]any, error) {
	body, err := a.fieldBody(c, endpointFlags)
	if err != nil {
		return nil, err
	}
	if off, _ := c.Flags().GetBool("no-retries"); off {
		if c.Flags().Changed("retries") {
			return nil, usagef("--retries and --no-retries contradict each other; give one")
		}
		setField(body, "delivery.retries", false)
	}
	return body, nil
}

// addSecretFlags gives c the two ways to name a secret: on the command line,
// where others on the machine may see it, and in a file.
func addSecretFlags(c *cobra.Command) {
	c.Flags().String("secret", "", "the signing secret, 16 characters or more (default: one is made)")
	c.Flags().String("secret-file", "", "file that holds the signing secret, - for stdin")
}

// secretFrom is the secret that was given, or empty.
func (a *app) secretFrom(c *cobra.Command) (string, error) {
	secret, _ := c.Flags().GetString("secret")
	file, _ := c.Flags().GetString("secret-file")
	if file == "" {
		return secret, nil
	}
	if secret != "" {
		return "", usagef("--secret and --secret-file are two ways for one thing; give one")
	}
	b, err := a.readFile(file, 64<<10)
	if err != nil {
		return "", usagef("--secret-file: %s", err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}
