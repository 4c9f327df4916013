package main

import (
	"encoding/json"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// kind is how a flag's text becomes the JSON of an endpoint's field.
type kind int

const (
	text     kind = iota
	flag          // true or false
	number        // any JSON number
	list          // repeatable
	commas        // one value with commas
	pairs         // repeatable NAME=VALUE
	contents      // name of a file whose text is the value
	document      // name of a file whose JSON is the value
)

// endpointFlag is one field of an endpoint on the command line.
type endpointFlag struct {
	name, field string // field is dotted where nested
	kind        kind
	help        string
}

var endpointFlags = []endpointFlag{
	{"url", "url", text, "where deliveries are posted to; https (http on a development node)"},
	{"name", "name", text, "a name for people"},
	{"description", "description", text, "a longer description"},
	{"enabled", "enabled", flag, "whether events are wanted at all"},
	{"profile", "profile", text, "defaults of the rest: standard, genea, genlogs or custom"},
	{"version", "version", text, "version of genea bodies: v1 (VertX hardware), v2 (Mercury; the default) or v3 (both)"},
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

// maxDocument is the largest JSON file that is read; the node's own limit is lower.
const maxDocument = 1 << 20

// addEndpointFlags gives c a flag for each field of an endpoint.
func addEndpointFlags(c *cobra.Command) {
	flags := c.Flags()
	for _, f := range endpointFlags {
		switch f.kind {
		case flag:
			flags.Bool(f.name, true, f.help)
		case list, pairs:
			flags.StringArray(f.name, nil, f.help)
		default:
			flags.String(f.name, "", f.help)
		}
	}
	flags.Bool("no-retries", false, "the same as --retries=false")
}

// endpointBody makes the JSON of the fields whose flags were given.
func (a *app) endpointBody(c *cobra.Command) (map[string]any, error) {
	body := map[string]any{}
	for _, f := range endpointFlags {
		if !c.Flags().Changed(f.name) {
			continue
		}
		v, err := f.value(c, a.readFile)
		if err != nil {
			return nil, err
		}
		setField(body, f.field, v)
	}
	if off, _ := c.Flags().GetBool("no-retries"); off {
		if c.Flags().Changed("retries") {
			return nil, usagef("--retries and --no-retries contradict each other; give one")
		}
		setField(body, "delivery.retries", false)
	}
	return body, nil
}

func setField(body map[string]any, field string, v any) {
	section, name, nested := strings.Cut(field, ".")
	if !nested {
		body[field] = v
		return
	}
	if body[section] == nil {
		body[section] = map[string]any{}
	}
	body[section].(map[string]any)[name] = v
}

func (f *endpointFlag) value(c *cobra.Command, read func(name string, limit int64) ([]byte, error)) (any, error) {
	flags := c.Flags()
	switch f.kind {
	case flag:
		return flags.GetBool(f.name)
	case list:
		return flags.GetStringArray(f.name)
	case pairs:
		return f.pairs(c)
	}
	s, err := flags.GetString(f.name)
	if err != nil {
		return nil, err
	}
	switch f.kind {
	case number:
		if n := json.Number(s); json.Valid([]byte(s)) && n != "" {
			if _, err := n.Float64(); err == nil {
				return n, nil
			}
		}
		return nil, usagef("--%s %q is not a number", f.name, s)
	case commas:
		parts := []string{}
		for part := range strings.SplitSeq(s, ",") {
			if part = strings.TrimSpace(part); part != "" {
				parts = append(parts, part)
			}
		}
		return parts, nil
	case document:
		b, err := read(s, maxDocument)
		if err != nil {
			return nil, usagef("--%s: %s", f.name, err)
		}
		if !json.Valid(b) {
			return nil, usagef("--%s: %s is not JSON", f.name, s)
		}
		return json.RawMessage(b), nil
	case contents:
		b, err := os.ReadFile(s)
		if err != nil {
			return nil, usagef("--%s: %s", f.name, err)
		}
		return string(b), nil
	}
	return s, nil
}

// pairs reads NAME=VALUE; a wrong one is not repeated, as values may be secret.
func (f *endpointFlag) pairs(c *cobra.Command) (any, error) {
	given, err := c.Flags().GetStringArray(f.name)
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	for _, pair := range given {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, usagef("--%s is given as NAME=VALUE, for example DD-API-KEY=0123", f.name)
		}
		values[name] = value
		if value == "" {
			values[name] = nil
		}
	}
	return values, nil
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

// readFile reads a file, or stdin for "-", up to limit bytes.
func (a *app) readFile(name string, limit int64) ([]byte, error) {
	if name == "-" {
		return readAtMost(a.stdin, "stdin", limit)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAtMost(f, name, limit)
}

func readAtMost(r io.Reader, name string, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		return nil, usagef("%s is larger than %s bytes", name, grouped(uint64(limit)))
	}
	return b, err
}
