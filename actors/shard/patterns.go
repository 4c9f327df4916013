package shard

import (
	"strings"

	"github.com/postrider/postrider/transport"
)

// patterns is an index of endpoints by the patterns they want, which takes in
// what transport.MatchType does: a radix tree over the words of the patterns. To
// add and to drop costs the pattern's length, however many endpoints there are;
// a search goes along a type's words, and along "*" beside each.
type patterns struct {
	root node
	all  endpointSet // the plain ">", which does not want all there is
}

// node is where patterns part, or end.
type node struct {
	// label are words that all patterns below have here, after the one that
	// led here; "" none.
	label string
	// here are the patterns that end here, rest those that go on with ">".
	here, rest endpointSet
	star       *node
	words      map[string]*node
}

// addAll adds ep by each of its patterns.
func (p *patterns) addAll(ep *transport.Endpoint) {
	for _, pattern := range ep.Events {
		p.add(pattern, ep)
	}
}

func (p *patterns) dropAll(ep *transport.Endpoint) {
	for _, pattern := range ep.Events {
		p.drop(pattern, ep)
	}
}

func (p *patterns) add(pattern string, ep *transport.Endpoint) {
	if pattern == ">" {
		p.all.add(ep)
		return
	}
	words, rest := strings.CutSuffix(pattern, ".>")
	p.root.reach(words).set(rest).add(ep)
}

// drop takes ep away from pattern; it may be gone already.
func (p *patterns) drop(pattern string, ep *transport.Endpoint) {
	if pattern == ">" {
		p.all.drop(ep)
		return
	}
	words, rest := strings.CutSuffix(pattern, ".>")
	p.root.drop(words, rest, ep)
}

// find adds the endpoints that want typ to found, one that wants it by several
// patterns several times, in no order.
func (p *patterns) find(typ string, found []*transport.Endpoint) []*transport.Endpoint {
	if transport.MatchType(">", typ) {
		found = p.all.in(found)
	}
	return p.root.find(typ, found)
}

func (n *node) find(typ string, found []*transport.Endpoint) []*transport.Endpoint {
	typ, fits := afterLabel(n.label, typ)
	switch {
	case !fits:
		return found
	case typ == "":
		return n.here.in(found)
	}
	found = n.rest.in(found)
	word, typ, _ := strings.Cut(typ, ".")
	if next := n.words[word]; next != nil {
		found = next.find(typ, found)
	}
	if n.star != nil {
		found = n.star.find(typ, found)
	}
	return found
}

// afterLabel gives what of typ comes after label, where label takes its beginning in.
func afterLabel(label, typ string) (rest string, fits bool) {
	for label != "" {
		if typ == "" {
			return "", false
		}
		var want, word string
		want, label, _ = strings.Cut(label, ".")
		word, typ, _ = strings.Cut(typ, ".")
		if want != word && want != "*" {
			return "", false
		}
	}
	return typ, true
}

// reach gives the node where words end, made where there is none.
func (n *node) reach(words string) *node {
	for {
		if same := shared(n.label, words); same < len(n.label) {
			n.part(same)
		}
		words = after(words, len(n.label))
		if words == "" {
			return n
		}
		word, left, _ := strings.Cut(words, ".")
		next := n.next(word)
		if next == nil {
			next = &node{label: left}
			n.lead(word, next)
			return next
		}
		n, words = next, left
	}
}

// part makes a node below that takes over all n has from byte at of its label on.
func (n *node) part(at int) {
	below := *n
	word, left, _ := strings.Cut(after(n.label, at), ".")
	below.label = left
	*n = node{label: n.label[:at]}
	n.lead(word, &below)
}

// drop takes ep away from where words end; empty tells that n is of no use now.
func (n *node) drop(words string, rest bool, ep *transport.Endpoint) (empty bool) {
	if shared(n.label, words) < len(n.label) {
		return false
	}
	words = after(words, len(n.label))
	word, left, _ := strings.Cut(words, ".")
	if words == "" {
		n.set(rest).drop(ep)
	} else if next := n.next(word); next != nil && next.drop(left, rest, ep) {
		n.lead(word, nil)
	}
	return n.here.empty() && n.rest.empty() && n.star == nil && n.words == nil
}

func (n *node) set(rest bool) *endpointSet {
	if rest {
		return &n.rest
	}
	return &n.here
}

func (n *node) next(word string) *node {
	if word == "*" {
		return n.star
	}
	return n.words[word]
}

// lead makes word lead to next; nil: to nothing.
func (n *node) lead(word string, next *node) {
	switch {
	case word == "*":
		n.star = next
	case next == nil:
		if delete(n.words, word); len(n.words) == 0 {
			n.words = nil
		}
	default:
		if n.words == nil {
			n.words = map[string]*node{}
		}
		n.words[word] = next
	}
}

// shared is the length of the whole words that a and b begin with alike.
func shared(a, b string) (length int) {
	for i := 0; i <= len(a) && i <= len(b); i++ {
		aEnds, bEnds := i == len(a) || a[i] == '.', i == len(b) || b[i] == '.'
		if aEnds && bEnds {
			length = i
		}
		if i == len(a) || i == len(b) || a[i] != b[i] {
			break
		}
	}
	return length
}

// after gives the words after the first length bytes, which are whole words.
func after(words string, length int) string {
	if length == 0 {
		return words
	}
	return strings.TrimPrefix(words[length:], ".")
}

// endpointSet is a small thing for one endpoint, and still quick with many.
type endpointSet struct {
	one  *transport.Endpoint
	more map[*transport.Endpoint]struct{} // in place of one
}

func (s *endpointSet) add(ep *transport.Endpoint) {
	switch {
	case s.more != nil:
		s.more[ep] = struct{}{}
	case s.one == nil || s.one == ep:
		s.one = ep
	default:
		s.more = map[*transport.Endpoint]struct{}{s.one: {}, ep: {}}
		s.one = nil
	}
}

func (s *endpointSet) drop(ep *transport.Endpoint) {
	if s.one == ep {
		s.one = nil
	}
	if delete(s.more, ep); len(s.more) == 0 {
		s.more = nil
	}
}

func (s *endpointSet) empty() bool { return s.one == nil && s.more == nil }

// in adds the endpoints to found.
func (s *endpointSet) in(found []*transport.Endpoint) []*transport.Endpoint {
	if s.one != nil {
		return append(found, s.one)
	}
	for ep := range s.more {
		found = append(found, ep)
	}
	return found
}
