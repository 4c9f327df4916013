package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// resource is a kind of thing that commands name by its id.
type resource struct {
	word, path string
	// id and name are the fields of a row that hold them; name "": it has none.
	id, name string
}

var (
	endpointResource = &resource{word: "endpoint", path: endpointsPath, id: "id", name: "name"}
	alertResource    = &resource{word: "alert", path: alertsPath, id: "id", name: "alert_name"}
	customerResource = &resource{word: "customer", path: customersPath, id: "id", name: "name"}
	runResource      = &resource{word: "run", path: runsPath, id: "run_id"}
)

const (
	// uuidLen is the length of an id that is whole: it is not looked for.
	uuidLen = 36
	// maxResolved is how many rows are looked through for what was meant.
	maxResolved = 10_000
	// maxMeant is how many are named where several are meant.
	maxMeant = 5
)

func isWholeID(given string) bool { return len(given) == uuidLen && strings.Count(given, "-") == 4 }

// candidate is a row that given may mean.
type candidate struct{ id, name, customer string }

// resolve gives the id of what given means: the thing of that name, or the one
// whose id begins so. What means nothing here is given back as it is, and the
// node says so; it is an error where several are meant.
func (r *resource) resolve(ctx context.Context, cl *client, given string) (string, error) {
	id, _, err := r.find(ctx, cl, given)
	return id, err
}

// find is resolve that tells whether given means anything: a whole id always
// may.
func (r *resource) find(ctx context.Context, cl *client, given string) (id string, means bool, err error) {
	if r != customerResource && isWholeID(given) {
		return given, true, nil
	}
	rows, err := r.rows(ctx, cl)
	if err != nil {
		return "", false, err
	}
	switch meant := chosen(rows, given); {
	case len(meant) == 1:
		return meant[0].id, true, nil
	case len(meant) > 1:
		return "", false, ambiguous(r, given, meant)
	case len(rows) >= maxResolved:
		return "", false, usagef("no %s among the first %s is called %q or has an id that begins so; give the whole id", r.word, grouped(maxResolved), given)
	}
	return given, false, nil
}

// rows are the things there are, mailboxes among the endpoints aside.
func (r *resource) rows(ctx context.Context, cl *client) ([]candidate, error) {
	rows, err := listAll[map[string]json.RawMessage](ctx, cl, r.path, url.Values{}, maxResolved)
	if err != nil {
		return nil, err
	}
	all := make([]candidate, len(rows))
	for i, row := range rows {
		all[i] = candidate{id: rowText(row[r.id]), name: rowText(row[r.name]), customer: rowText(row["customer"])}
	}
	return all, nil
}

// rowText is a text of a row; "" where it is none.
func rowText(raw json.RawMessage) (text string) {
	_ = json.Unmarshal(raw, &text) // another type has no text
	return text
}

// chosen are those of rows that given means: by the whole id, else by the whole
// name, else by the first characters of the id.
func chosen(rows []candidate, given string) []candidate {
	for _, fits := range []func(candidate) bool{
		func(c candidate) bool { return c.id == given },
		func(c candidate) bool { return c.name == given },
		func(c candidate) bool { return strings.EqualFold(c.name, given) },
		func(c candidate) bool { return strings.HasPrefix(c.id, given) },
	} {
		var meant []candidate
		for _, c := range rows {
			if given != "" && fits(c) {
				meant = append(meant, c)
			}
		}
		if len(meant) > 0 {
			return meant
		}
	}
	return nil
}

func ambiguous(r *resource, given string, meant []candidate) error {
	var names []string
	for _, c := range meant[:min(len(meant), maxMeant)] {
		names = append(names, strings.TrimSpace(c.id+" "+bracketed(strings.Join(strings.Fields(c.customer+" "+c.name), " "))))
	}
	if len(meant) > maxMeant {
		names = append(names, fmt.Sprintf("and %s more", grouped(uint64(len(meant)-maxMeant))))
	}
	return usagef("%q may mean %s %ss: %s; give more of the id", given, grouped(uint64(len(meant))), r.word, strings.Join(names, ", "))
}

func bracketed(text string) string {
	if text == "" {
		return ""
	}
	return "(" + text + ")"
}

// resolveDelivery is resolve for a delivery, whose id is
// <sequence>-<endpoint>[-<replay>]: of its endpoint the first characters or the
// name do.
func resolveDelivery(ctx context.Context, cl *client, given string) (string, error) {
	sequence, endpoint, found := strings.Cut(given, "-")
	if !found || strings.Trim(sequence, "0123456789") != "" || len(endpoint) >= uuidLen && strings.Count(endpoint[:uuidLen], "-") == 4 {
		return given, nil // the node says what is wrong with it
	}
	id, err := endpointResource.resolve(ctx, cl, endpoint)
	return sequence + "-" + id, err
}

// endpointNames are the names of the endpoints there are, by id, for tables
// that show ids; the id's beginning stands for one that is gone or has no name.
type endpointNames map[string]string

func (a *app) endpointNames(ctx context.Context, cl *client) endpointNames {
	names := endpointNames{}
	rows, err := endpointResource.rows(ctx, cl)
	if err != nil {
		return names // the names are for people; the ids are there all the same
	}
	for _, c := range rows {
		names[c.id] = c.name
	}
	return names
}

// of is a name that fits into a table.
func (n endpointNames) of(id string) string {
	const room = 24
	name := oneLine(n[id])
	if utf8.RuneCountInString(name) > room {
		name = cut(name, room-1)
	}
	return orDash(name)
}

// resolved changes what a filter's flag gives into the id that it means. A name
// or a beginning that means nothing is an error: a filter that can fit nothing
// would look like an empty answer. Whole ids may be of what was removed.
func resolved(ctx context.Context, cl *client, r *resource, query url.Values, name string) error {
	given := query.Get(name)
	if given == "" {
		return nil
	}
	id, means, err := r.find(ctx, cl, given)
	if err != nil {
		return err
	}
	if !means {
		return usagef("no %s is called %q or has an id that begins so; postrider %s list shows those there are, and a removed one goes by its whole id", r.word, oneLine(given), r.word)
	}
	query.Set(name, id)
	return nil
}
