package payload

import (
	"errors"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
)

// match compiles source and asks it about doc.
func match(t *testing.T, source, doc string) (bool, error) {
	t.Helper()
	f, err := NewFilter(source)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	return f.Match(NewView(event(doc)))
}

func TestFilters(t *testing.T) {
	const doc = `{"door":{"name":"Main","floor":2,"weight":1.0,"load":2.5,"tags":["front","glass"],"note":null,"a\u0062c":1},
		"count":12,"big":18446744073709551615,"huge":1e3,"open":true,"at":"2026-11-21T18:06:07Z","twice":1,"twice":2,"text":"a\"b\u00e9"}`
	for source, want := range map[string]bool{
		`event.id == 'evt-1' && event.customer == 'acme'`:            true,
		`event.type.startsWith('access.')`:                           true,
		`event.time > timestamp('2026-01-01T00:00:00Z')`:             true,
		`event.time.getHours('America/New_York') == 13`:              true,
		`event.data.door.name == 'Main'`:                             true,
		`event.data['door']['name'] != "Main"`:                       false,
		`event.data.door.floor == 2 && event.data.door.floor == 2.0`: true,
		`event.data.door.weight == 1`:                                true,
		`event.data.door.load > 2 && event.data.door.load < 3`:       true,
		`event.data.count >= 12 && event.data.huge == 1000`:          true,
		`event.data.big == 18446744073709551615u`:                    true,
		`event.data.open`:                                           true,
		`event.data.door.note == null`:                              true,
		`'glass' in event.data.door.tags`:                           true,
		`event.data.door.tags.exists(t, t.startsWith('fr'))`:        true,
		`event.data.door.tags == ['front', 'glass']`:                true,
		`event.data.door.tags[1] == 'glass'`:                        true,
		`size(event.data.door.tags) == 2 && size(event.data) == 8`:  true,
		`event.data.door.abc == 1`:                                  true,
		`event.data.twice == 2`:                                     true,
		`event.data.text == 'a"bé'`:                                 true,
		`has(event.data.door.name) && !has(event.data.door.colour)`: true,
		`event.data.?door.?colour.orValue('red') == 'red'`:          true,
		`event.data.text.matches('^a.b')`:                           true,
		`event.type in ['access.granted', 'access.denied.duress']`:  true,
		`event.data.door.name.lowerAscii() == 'main'`:               true,
		`timestamp(event.data.at) <= event.time`:                    true,
		`epoch(event.data.at) == 1795284367`:                        true,
		`event.data.door.all(k, k != '')`:                           true,
		`math.greatest(event.data.count, 3) == 12`:                  true,
		`sets.contains(event.data.door.tags, ['front'])`:            true,
		`event.data == event.data`:                                  true,
		`json(event.data.door.tags) == '["front","glass"]'`:         true,
		`event.data.missing == 1 || event.data.open == true`:        true,
	} {
		if source == `event.data.open` {
			source += ` == true`
		}
		if got, err := match(t, source, doc); got != want || err != nil {
			t.Errorf("%s: %v, %v", source, got, err)
		}
	}
}

// TestWhatCannotBeToldIsNoMatch is the reason of each kind, free of values.
func TestWhatCannotBeToldIsNoMatch(t *testing.T) {
	const doc = `{"name":"s3cret","list":[1],"n":1,"zero":0}`
	for source, reason := range map[string]string{
		`event.data.door.name == 'Main'`:                                   "the event has no such key: door",
		`event.data.list[3] == 1`:                                          "the event's list is shorter than the index",
		`event.data[event.data.name] == 1`:                                 "the event has no such key",
		`event.data.name.size() + event.data.n > 0 && event.data.name > 3`: "the event's values have other types than the expression needs",
		`event.data.n / event.data.zero == 1`:                              "divides by zero",
		`timestamp(event.data.name) == event.time`:                         "a value cannot be converted",
		`int(event.data.name) == 1`:                                        "a value cannot be converted",
		`epoch(event.data.name) == 1`:                                      "a value cannot be converted",
		`event.data.n.startsWith('a')`:                                     "the event's values have other types than the expression needs",
		`event.data.?x.value() == 1`:                                       "the event has no such value",
	} {
		got, err := match(t, source, doc)
		if got || err == nil || err.Error() != reason {
			t.Errorf("%s: %v, %v; want %s", source, got, err, reason)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s tells a value: %v", source, err)
		}
	}
	for _, doc := range []string{``, `{`, `{"a"`, `[1`, `nul`, `{"a":1}x`, `1 2`} {
		if got, err := match(t, `event.data.a == 1`, doc); got || err == nil {
			t.Errorf("%q: %v, %v", doc, got, err)
		}
	}
}

func TestFiltersThatAreRefused(t *testing.T) {
	for source, message := range map[string]string{
		``:                                    "empty; leave it out to want every event of the types",
		`event.data.`:                         "at 1:12: ",
		"true &&\n  evnt.id == 'a'":           "at 2:3: undeclared reference to 'evnt' (did you mean 'event'?)",
		`event.idd == 'a'`:                    "at 1:6: undefined field 'idd'",
		`event.id == 1`:                       "at 1:10: found no matching overload for '_==_' applied to '(string, int)'",
		`event.data.flag`:                     "gives dyn, not true or false; compare it, such as event.data.door == 'Main'",
		`event.id`:                            "gives string, not true or false; compare it, such as event.data.door == 'Main'",
		`event.id.matches('(')`:               "cannot be planned: error parsing regexp: missing closing )",
		`event.id.matches('(a{1000}){1000}')`: "",
		`event.id == 'a' ||` + strings.Repeat(" ", maxSource):                 "4114 bytes long; at most 4096",
		`event.data.all(a, event.data.all(b, event.data.all(c, a + b == c)))`: "could cost ",
		strings.Repeat("(", 1000) + "true" + strings.Repeat(")", 1000):        "",
	} {
		_, err := NewFilter(source)
		var wrong *transport.FieldError
		if !errors.As(err, &wrong) || wrong.Field != "filter" || !strings.HasPrefix(wrong.Message, message) {
			t.Errorf("%.80s: %v; want %s", source, err, message)
		}
	}
}

// TestExpressionsAreBounded: no event makes an expression take much.
func TestExpressionsAreBounded(t *testing.T) {
	const large = "the event's texts or lists are larger than this function takes"
	const costly = "costs more steps with this event than an expression may; loop over less, or compare less at once"
	const deep = "the event is nested deeper than expressions look"
	deepest := "event.data.deep" + strings.Repeat("[0]", maxLook) + " == []"
	long := `{"s":"` + strings.Repeat("a", 1<<20) + `","m":"` + strings.Repeat("a", 1<<15) + `","l":[` + strings.Repeat("1,", 1<<17) + `1],"k":[` +
		strings.Repeat("1,", 1<<12) + `1],"deep":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`
	for source, reason := range map[string]string{
		`event.data.s.replace('a', event.data.s) == ''`:     costly,
		`event.data.m.replace('', event.data.m) == ''`:      costly,
		`event.data.m.indexOf(event.data.m) == 1`:           costly,
		`event.data.l.map(x, 'a').join(event.data.s) == ''`: costly,
		`event.data.k.join(event.data.m) == ''`:             costly,
		`event.data.m.matches('(a|aa)*b')`:                  large,
		`event.data.m.matches(event.id)`:                    large,
		`sets.contains(event.data.k, event.data.k)`:         costly,
		`event.data.l.exists(x, x == 2)`:                    costly,
		`json(event.data).size() == 1`:                      costly,
		deepest:                                             deep,
		`event.data.deep == event.data.deep`:                "", // nested too deep to be compared
	} {
		got, err := match(t, source, long)
		if reason == "" && !got && err == nil {
			continue
		}
		if got || err == nil || err.Error() != reason {
			t.Errorf("%s: %v, %v; want %s", source, got, err, reason)
		}
	}
}

func TestAViewServesManyFilters(t *testing.T) {
	v := NewView(event(`{"a":{"b":[1,2]}}`))
	for _, source := range []string{`event.data.a.b[0] == 1`, `event.data.a.b[1] == 2`, `size(event.data.a) == 1`} {
		f, err := NewFilter(source)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got, err := f.Match(v); !got || err != nil {
				t.Errorf("%s: %v, %v", source, got, err)
			}
		}
	}
}
