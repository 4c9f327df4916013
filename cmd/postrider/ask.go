package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

// ask makes one request and prints its answer: as JSON, or as print does.
func (a *app) ask(c *cobra.Command, method, path string, body any, print func(json.RawMessage) error) error {
	cl, err := a.client()
	if err != nil {
		return err
	}
	var raw json.RawMessage
	status, err := cl.call(c.Context(), method, path, body, &raw)
	if err != nil {
		return err
	}
	if a.output == "json" {
		return a.printJSON(raw)
	}
	if err := print(raw); err != nil {
		return err
	}
	if status == http.StatusAccepted {
		_, err = fmt.Fprintln(a.stdout, "\naccepted; it takes effect within some seconds")
	}
	return err
}

// askAll reads the pages of a list, up to limit rows, and prints them.
func (a *app) askAll(c *cobra.Command, path string, query map[string]string, limit int, print func([]json.RawMessage) error) error {
	cl, err := a.client()
	if err != nil {
		return err
	}
	values := url.Values{}
	for name, value := range query {
		if value != "" {
			values.Set(name, value)
		}
	}
	rows, err := listAll[json.RawMessage](c.Context(), cl, path, values, limit)
	if err != nil {
		return err
	}
	if a.output == "json" {
		return a.printJSON(orEmpty(rows))
	}
	return print(rows)
}

// readRow reads what the node answered about a thing.
func readRow[T any](raw json.RawMessage, thing string) (v T, err error) {
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, fmt.Errorf("%s cannot be read (%w); use the same version as the node, or -o json", thing, err)
	}
	return v, nil
}

// printLines writes the name and value of each line that has one.
func (a *app) printLines(lines [][2]string) error {
	for _, line := range lines {
		if value := oneLine(line[1]); value != "" {
			if _, err := fmt.Fprintf(a.stdout, "%-22s %s\n", line[0], value); err != nil {
				return err
			}
		}
	}
	return nil
}
