package shard

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/postrider/postrider/transport"
)

// Patterns and types of few words, so that they meet, part and end alike often.
var (
	somePatterns = rapid.Custom(func(t *rapid.T) string {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "ab", "b", "ops", "*"}), 0, 4).Draw(t, "words")
		if len(words) == 0 || rapid.Bool().Draw(t, "rest") {
			words = append(words, ">")
		}
		return strings.Join(words, ".")
	})
	someTypes = rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "ab", "b", "ops", "c"}), 1, 5),
		func(words []string) string { return strings.Join(words, ".") })
)

func TestPatternsFindWhatMatchTypeTakesIn(t *testing.T) {
	eps := make([]*transport.Endpoint, 12)
	for i := range eps {
		eps[i] = &transport.Endpoint{ID: fmt.Sprint("ep", i)}
	}
	rapid.Check(t, func(t *rapid.T) {
		p, model := &patterns{}, map[string]map[*transport.Endpoint]bool{}
		ep := func(t *rapid.T) *transport.Endpoint { return rapid.SampledFrom(eps).Draw(t, "endpoint") }
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				pattern, ep := somePatterns.Draw(t, "pattern"), ep(t)
				if transport.CheckPattern(pattern) != nil {
					t.Fatalf("%s is no pattern", pattern)
				}
				p.add(pattern, ep)
				if model[pattern] == nil {
					model[pattern] = map[*transport.Endpoint]bool{}
				}
				model[pattern][ep] = true
			},
			"drop": func(t *rapid.T) {
				pattern, ep := somePatterns.Draw(t, "pattern"), ep(t)
				if len(model) > 0 && rapid.Bool().Draw(t, "there") {
					pattern = rapid.SampledFrom(slices.Sorted(maps.Keys(model))).Draw(t, "of those there")
				}
				p.drop(pattern, ep)
				delete(model[pattern], ep)
			},
			"": func(t *rapid.T) {
				typ, want := someTypes.Draw(t, "type"), map[*transport.Endpoint]bool{}
				for pattern, eps := range model {
					if transport.MatchType(pattern, typ) {
						maps.Copy(want, eps)
					}
				}
				got := map[*transport.Endpoint]bool{}
				for _, ep := range p.find(typ, nil) {
					got[ep] = true
				}
				if !maps.Equal(got, want) {
					t.Fatalf("%s finds %d endpoints, want %d", typ, len(got), len(want))
				}
			},
		})
		for pattern, eps := range model {
			for ep := range eps {
				p.drop(pattern, ep)
			}
		}
		if p.root.star != nil || p.root.words != nil || !p.all.empty() {
			t.Fatal("something is left when all are dropped")
		}
	})
}

// What a type finds is what MatchType says, for patterns from outside too.
func FuzzPatterns(f *testing.F) {
	f.Add("site.*.door.>", "site.s1.door.opened", "site.s1.door.opened.twice")
	f.Add(">", "ops.>", "ops.endpoint.failing")
	f.Fuzz(func(t *testing.T, one, other, typ string) {
		if transport.CheckPattern(one) != nil || transport.CheckPattern(other) != nil || transport.CheckType(typ) != nil {
			return
		}
		p, a, b := &patterns{}, &transport.Endpoint{ID: "a"}, &transport.Endpoint{ID: "b"}
		p.add(one, a)
		p.add(other, b)
		found := p.find(typ, nil)
		if slices.Contains(found, a) != transport.MatchType(one, typ) || slices.Contains(found, b) != transport.MatchType(other, typ) {
			t.Errorf("%q finds %d of %q and %q", typ, len(found), one, other)
		}
		p.drop(one, a)
		if found := p.find(typ, nil); slices.Contains(found, a) || slices.Contains(found, b) != transport.MatchType(other, typ) {
			t.Errorf("%q finds %d of %q when %q is dropped", typ, len(found), other, one)
		}
	})
}

// A pattern that CheckPattern refuses, stored by whatever version, finds what it
// finds, and is dropped again like all others.
func TestPatternsThatAreNoneDoNoHarm(t *testing.T) {
	p, ep := &patterns{}, &transport.Endpoint{ID: "a"}
	bad := []string{"", ".", "a.", ".a", "a..b", "a.>.b", "..>", ">.>", "a*", ".>"}
	for _, pattern := range bad {
		p.add(pattern, ep)
	}
	p.find("a.b.c", nil)
	for _, pattern := range bad {
		p.drop(pattern, ep)
	}
	if found := p.find("a.b", nil); len(found) != 0 || p.root.words != nil || p.root.star != nil {
		t.Errorf("finds %d; something is left", len(found))
	}
}
