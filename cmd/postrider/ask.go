package main

import (
	"context"
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
	return a.askOf(c.Context(), cl, method, path, body, print)
}

// with gives do a client, and the id of the thing that given means.
func (a *app) with(c *cobra.Command, r *resource, given string, do func(cl *client, id string) error) error {
	cl, err := a.client()
	if err != nil {
		return err
	}
	id, err := r.resolve(c.Context(), cl, given)
	if err != nil {
		return err
	}
	return do(cl, id)
}

// remove deletes the thing at path once somebody has agreed to what.
func (a *app) remove(ctx context.Context, cl *client, path, id, what string, yes bool) error {
	if err := a.confirm(what, "nothing was removed", yes); err != nil {
		return err
	}
	if _, err := cl.call(ctx, http.MethodDelete, path, nil, nil); err != nil {
		return err
	}
	if a.output == "json" {
		return a.printJSON(map[string]string{"removed": id})
	}
	_, err := fmt.Fprintf(a.stdout, "removed %s\n", id)
	return err
}

// askOf is ask of a client that is there.
func (a *app) askOf(ctx context.Context, cl *client, method, path string, body any, print func(json.RawMessage) error) error {
	var raw json.RawMessage
	status, err := cl.call(ctx, method, path, body, &raw)
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
