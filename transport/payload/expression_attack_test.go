package payload

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
)

// bound is an expression that binds n names, each to what twice has of the one
// before, and ends with last; N stands for the name before, or the last.
func bound(n int, first, twice, last string) string {
	name := func(i int) string { return fmt.Sprintf("v%d", i) }
	var b strings.Builder
	fmt.Fprintf(&b, "cel.bind(v0,%s,", first)
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "cel.bind(%s,%s,", name(i), strings.ReplaceAll(twice, "N", name(i-1)))
	}
	return b.String() + strings.ReplaceAll(last, "N", name(n)) + strings.Repeat(")", n+1)
}

// TestWhatIsRefusedWhenSaved: what unfolds to much is refused for a reason, in
// a time that its length bounds. The first one kept a node for 13 s.
func TestWhatIsRefusedWhenSaved(t *testing.T) {
	const large, nested, deep = "is too large with its names put in", "has loops or bound names nested over", "is nested over"
	for source, message := range map[string]string{
		bound(25, "[event.id]", "[N,N]", "N==N"):                                       nested,
		bound(10, "['a']", "[N,N,N,N]", "N==N"):                                        large,
		bound(10, "'a'", "N+N+N", "size(N)>0"):                                         large,
		bound(10, "{'a':1}", "{'a':N,'b':N,'c':N}", "N==N"):                            large,
		bound(10, "'a'", "{N:N,1:N}", "N==N"):                                          large,
		`[[event.id]]` + strings.Repeat(`.map(v,[v,v])`, 30) + ` == []`:                nested,
		`[[event.id]]` + strings.Repeat(`.map(v,[v,v,v,v])`, 11) + ` == []`:            large,
		`optional.of(event.id)` + strings.Repeat(`.optMap(v,v)`, 150) + `.hasValue()`:  nested,
		strings.TrimSuffix(strings.Repeat(`[1].all(x,true)&&`, 230), "&&"):             "has over 50 loops",
		strings.Repeat(`[1].all(x,`, 200) + `true` + strings.Repeat(`)`, 200):          nested,
		strings.Repeat(`[`, 200) + strings.Repeat(`]`, 200) + ` == []`:                 deep,
		`event.data.l.all(a, event.data.l.all(b, event.data.l.all(c, a + b == c)))`:    "could cost",
		`event.id.matches('((a{30}){20}){10}')`:                                        "cannot be planned",
		`event.data.l.all(x, event.data.l.all(y, json(event.data) == json(event.id)))`: "could cost",
	} {
		_, err := NewFilter(source)
		var wrong *transport.FieldError
		if !errors.As(err, &wrong) || !strings.HasPrefix(wrong.Message, message) {
			t.Errorf("%.60s: %v; want %s", source, err, message)
		}
		ep := withBody(`{"a":"${` + strings.ReplaceAll(source, `"`, `'`) + `}"}`)
		if err := Check(ep); !errors.As(err, &wrong) || wrong.Field != "body.a" {
			t.Errorf("%.60s in a body: %v", source, err)
		}
	}
}

// evil is an event of 4 MB that has something for each attack: long texts, many
// elements, many keys, many levels.
func evil() *transport.Event {
	var b strings.Builder
	fmt.Fprintf(&b, `{"s":%q,"m":%q,"k":%q,"l":[%s1],"i":[%s1],"t":%s1%s,"o":{"a":1`, strings.Repeat("a", 3<<20), strings.Repeat("a", 16<<10), strings.Repeat("a", 1<<10),
		strings.Repeat("1,", 100_000), strings.Repeat("1,", 200), strings.Repeat("[", 60), strings.Repeat("]", 60))
	for i := range 20_000 {
		fmt.Fprintf(&b, `,"key%d":%d`, i, i)
	}
	return event(b.String() + `}}`)
}

// TestWhatAnEvaluationMayCost: each of these is saved, and would take up to
// minutes with the event. They end when they have cost what an expression may.
func TestWhatAnEvaluationMayCost(t *testing.T) {
	ev := evil()
	all := func(inner string) string { return `event.data.l.all(x, ` + inner + `)` }
	for _, source := range []string{
		strings.TrimSuffix(strings.Repeat(`event.data != event.data||`, 157), "||"),
		`event.data == event.data`,
		`event.data in [event.data]`,
		`[event.data] == [event.data]`,
		`optional.of(event.data) == optional.of(event.data)`,
		`event.data.l == event.data.l`,
		bound(9, "event.data.o", "[N,N]", "N==N"),
		all(`event.data.i.all(y, x == y)`),
		all(strings.Repeat(`false||`, 500) + `true`),
		all(`size([x,` + strings.Repeat(`1,`, 800) + `1]) > 0`),
		all(`size(event.data.s) > 0`),
		all(`event.data.s < event.data.s + 'a'`),
		all(`!event.data.s.startsWith('b') && !event.data.s.contains('b')`),
		`event.data.l.exists(x, {'a': x}[event.data.s] == 1)`,
		`event.data.l.exists(x, event.data.o[event.data.s] == 1)`,
		`event.data.l.exists(x, event.data[?event.data.s].orValue(2) == 1)`,
		all(`event.data.o.all(k, false) || true`),
		all(`event.time.getHours('America/New_York') > -1`),
		all(`event.data.m.matches('(a|aa|aaa|aaaa)*$')`),
		`event.data.m.matches('(a?){20}a{20}(b|c|d|e)*$')`,
		all(`event.id.matches('^' + event.id) || true`),
		all(`!(5 in event.data.l)`), all(`!(event.data.s in event.data.o)`), all(`!(x in [5,6,7.5])`), all(`!(event.data.k in ['a','b'])`),
		`sets.contains(event.data.l, event.data.l)`,
		`sets.equivalent(event.data.i.map(x, event.data.o), event.data.i)`,
		all(`'%.100f%.100e%s'.format([1.5, 1.5, event.data.k]) != ''`),
		`'%s'.format([event.data]) != ''`,
		all(`event.data.k.replace('a', 'bbbbbbbbbb') != ''`),
		`event.data.s.replace('a', event.data.s) != ''`,
		all(`size(event.data.k.split('')) > 0`),
		`event.data.m.split('').join(event.data.m) != ''`,
		all(`event.data.k.reverse() != '' && event.data.k.lowerAscii() != '' && event.data.k.trim() != ''`),
		all(`event.data.k.indexOf(event.data.k.substring(1) + 'b') < 0`), all(`event.data.k.lastIndexOf(event.data.k.substring(1) + 'b') < 0`),
		all(`event.data.k.charAt(5) == 'a' && strings.quote(event.data.k) != ''`),
		`(` + strings.TrimSuffix(strings.Repeat(`event.data.l+`, 90), "+") + `).all(x, x == 1)`,
		all(`json(event.data.o) != ''`), `json(event.data) != ''`, `json([event.data.s, event.data.s]) != ''`,
		`event.data.l.map(x, [x, x, x]).size() > 0`, `event.data.l.map(x, {'a': x, 'b': x}).size() > 0`, `event.data.l.filter(x, x == 1).size() > 0`,
		all(`string(x) != '' && int(string(x)) == 1 && double(x) == 1.0`),
		all(`duration(string(x) + 'h') >= duration(string(x) + 's')`),
		all(`math.greatest(event.data.i) == 1`),
		`bytes(event.data.s) != bytes(event.data.s + 'b')`,
	} {
		f, err := NewFilter(source)
		if err != nil {
			t.Errorf("%.60s is refused: %v", source, err)
			continue
		}
		v := NewView(ev)
		_, err = f.Match(v)
		var why *evalError
		if !errors.As(err, &why) || !why.costly {
			t.Errorf("%.60s ends with %v after %v", source, err, v.Spent())
		}
		if most := (maxCost+evalSteps)*stepTime + readTimes*4*transport.MaxHTTPEvent/64*stepTime; v.Spent() > most {
			t.Errorf("%.60s spent %v, over %v", source, v.Spent(), most)
		}
	}
}

// TestHowMuchOfADocumentIsRead: many levels around much, and many elements.
func TestHowMuchOfADocumentIsRead(t *testing.T) {
	text := strings.Repeat("a", 1<<20)
	levels := strings.Repeat(`{"a":`, 30) + `"` + text + `"` + strings.Repeat(`}`, 30)
	for doc, source := range map[string]string{
		levels: `event.data` + strings.Repeat(`.a`, 20) + ` != 1`,
		`[` + strings.Repeat(`1,`, maxElements) + `1]`: `size(event.data) > 1`,
	} {
		f, err := NewFilter(source)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			v := NewView(event(doc))
			if _, err := f.Match(v); err == nil || !strings.Contains(err.Error(), "more levels or elements") || Costly(err) == false {
				t.Errorf("%.40s: %v", source, err)
			}
			if v.reading.done > readTimes*len(doc)+readLeast || v.reading.elements > maxElements+1 {
				t.Errorf("%.40s read %d bytes and %d elements", source, v.reading.done, v.reading.elements)
			}
		}
	}
	f, err := NewFilter(`event.data.a.a == '` + text[:100] + `' || true`)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.Match(NewView(event(levels))); !got || err != nil {
		t.Errorf("two levels: %v, %v", got, err)
	}
}

// TestListsThatWereJoined are flat, whichever way they came to be.
func TestListsThatWereJoined(t *testing.T) {
	for _, source := range []string{
		`([1] + event.data.l + [3])[2] == 3`, `event.data.l + ['a'] == [2, 'a']`, `size(event.data.l + event.data.l) == 2`,
		`[1, 2].map(x, x * 2) + event.data.l == [2, 4, 2]`, `[] + [] == []`, `event.data.l.map(x, x) + [1] == [2, 1]`,
	} {
		if got, err := match(t, source, `{"l":[2]}`); !got || err != nil {
			t.Errorf("%s: %v, %v", source, got, err)
		}
	}
}

// FuzzCost: what is saved is of bounded size, and costs no more than it may
// with any event, whatever it says. It counts steps, not time.
func FuzzCost(f *testing.F) {
	for _, source := range []string{bound(3, "[event.id]", "[N,N]", "N==N"), `event.data.l.map(x, x + x).all(y, y != 1)`,
		`event.data.s.split('').join(event.data.s) == ''`, `event.data.?a.optMap(v, [v, v]).hasValue()`, `event.data.s.matches('(a|aa)*b')`,
		`{event.id: [1].map(x, event.data)} == {event.data.s: [event.data]}`, `event.data[event.data.s + event.data.s] in event.data.l`} {
		f.Add(source)
	}
	large := event(`{"s":"` + strings.Repeat("ab", 1<<16) + `","l":[` + strings.Repeat("1,", 1<<12) + `1],"a":{"b":{}}}`)
	f.Fuzz(func(t *testing.T, source string) {
		expr, estimate, wrong := compile(source)
		if wrong != nil {
			return
		}
		if estimate > maxCost {
			t.Fatalf("%q was saved at %d steps", source, estimate)
		}
		v := NewView(large)
		_, cost, _ := expr.eval(v)
		if most := uint64(maxCost + evalSteps); cost > most || v.spent > most || v.reading.elements > maxElements+1 || v.reading.done > readTimes*len(large.Data)+readLeast {
			t.Fatalf("%q cost %d, read %d bytes and %d elements", source, cost, v.reading.done, v.reading.elements)
		}
	})
}

// BenchmarkStep is what a hundred thousand steps take, of several kinds.
func BenchmarkStep(b *testing.B) {
	ev := evil()
	for name, source := range map[string]string{
		"loop": `event.data.l.all(x, event.data.i.all(y, x == y))`, "match": `event.data.l.all(x, event.data.k.matches('(a|aa|aaa)*$'))`,
		"text": `event.data.l.all(x, event.data.k.split('').join('ab') != '')`, "quote": `event.data.l.all(x, strings.quote(event.data.k) != '')`,
		"map": `event.data.l.map(x, {'a': x}).size() > 0`, "keys": `event.data.l.all(x, event.data.o.all(k, false) || true)`,
		"zone": `event.data.l.all(x, event.time.getHours('America/New_York') > -1)`, "convert": `event.data.l.all(x, int(string(x)) == 1)`,
	} {
		b.Run(name, func(b *testing.B) {
			f, err := NewFilter(source)
			if err != nil {
				b.Fatal(err)
			}
			v := NewView(ev)
			steps := uint64(0)
			for b.Loop() {
				_, cost, _ := f.expr.eval(v)
				steps += cost
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(steps), "ns/step")
		})
	}
}
