package jsontext

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"
)

var documents = []string{`{}`, `[1,{"a":[]}]`, `{"uuid":"x","time":-1.5e+3}`, `"\u00e9\n"`, "01", "1.", "-", "[1,]", `{"a":1,}`, "\"\x01\"",
	"nul", " true ", `{"a":{"b":"\ud83d\ude00\ud83d","b":null}}`, `{"a" 1}`, "[1 2]", "1\x00", `"a`, `"\x"`, `"\u12"`, "\"\xff\"", "{\"\xff\":1}",
	"\ufeff{}", `{a:1}`, `[1}`, `-0.0E-0`, `.5`, `+1`, strings.Repeat("[", 10000) + strings.Repeat("]", 10000), strings.Repeat("[", 10001),
	strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65)}

// FuzzAgainstEncodingJSON: what encoding/json takes is taken and means the
// same, what it refuses is refused.
func FuzzAgainstEncodingJSON(f *testing.F) {
	for _, s := range documents {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		valid := json.Valid(doc)
		if got := Valid(doc); got != valid {
			t.Fatalf("Valid %v, json.Valid %v: %q", got, valid, doc)
		}
		checkTokens(t, doc, valid)
		if !valid {
			return
		}
		checkMembers(t, doc)
		r := Reader{Doc: doc}
		span, ok := r.Span()
		if !ok || !bytes.Equal(span, bytes.Trim(doc, " \t\r\n")) || r.End() != nil {
			t.Fatalf("%q: the span is %q", doc, span)
		}
	})
}

// checkTokens reads doc by its tokens, as those do who look into it.
func checkTokens(t *testing.T, doc []byte, valid bool) {
	r := Reader{Doc: doc}
	err := readAll(&r, 0)
	if err == nil {
		err = r.End()
	}
	if (err == nil) != valid {
		t.Fatalf("%q: json.Valid %v, read with %v", doc, valid, err)
	}
	var syntax *SyntaxError
	if err != nil && (!errors.As(err, &syntax) || syntax.Offset > len(doc) || syntax.What == "") {
		t.Fatalf("%q: %v", doc, err)
	}
}

func readAll(r *Reader, depth int) error {
	if depth > 50 { // the rest as one value
		_, err := r.Value(depth)
		return err
	}
	var err error
	switch b := r.Next(); {
	case b == '{':
		if again := *r; depth < 2 {
			if err := again.Members(depth, func(_, _ []byte) error { return nil }); err != nil {
				return err
			}
		}
		err = readEach(r, '}', depth)
	case b == '[':
		err = readEach(r, ']', depth)
	case b == '"':
		_, _, err = r.String()
	case b == '-' || b >= '0' && b <= '9':
		_, _, err = r.Number()
	default:
		_, err = r.Word()
	}
	return err
}

func readEach(r *Reader, closing byte, depth int) error {
	r.Pos++
	if r.Empty(closing) {
		return nil
	}
	for more := true; more; {
		if closing == '}' {
			if _, _, err := r.String(); err != nil {
				return err
			}
			if err := r.Take(':'); err != nil {
				return err
			}
		}
		err := readAll(r, depth+1)
		if err != nil {
			return err
		}
		if more, err = r.More(closing); err != nil {
			return err
		}
	}
	return nil
}

// checkMembers compares names, texts and numbers of the top level.
func checkMembers(t *testing.T, doc []byte) {
	var want map[string]json.RawMessage
	if json.Unmarshal(doc, &want) != nil || want == nil {
		return
	}
	got := map[string][]byte{}
	r := Reader{Doc: doc}
	if err := r.Members(0, func(name, value []byte) error {
		got[string(Append(nil, quotedInner(name)))] = value
		return nil
	}); err != nil {
		t.Fatalf("%q: %v", doc, err)
	}
	if len(got) != len(want) {
		t.Fatalf("%q: %d members, encoding/json has %d", doc, len(got), len(want))
	}
	for name, value := range want {
		if !bytes.Equal(got[name], value) {
			t.Fatalf("%q: %q is %q, encoding/json has %q", doc, name, got[name], value)
		}
		var text string
		if json.Unmarshal(value, &text) == nil && IsString(value) && Text(value) != text {
			t.Fatalf("%q: %q means %q, encoding/json has %q", doc, value, Text(value), text)
		}
		var n float64
		if json.Unmarshal(value, &n) == nil && value[0] != 'n' && len(value) <= fewDigits && Float(value) != n {
			t.Fatalf("%q is %v, encoding/json has %v", value, Float(value), n)
		}
	}
}

// quotedInner writes a name again as a string's inner part.
func quotedInner(name []byte) []byte {
	quoted := AppendString(nil, name)
	return quoted[1 : len(quoted)-1]
}

func TestMembersGivesNamesAsTheyAreMeant(t *testing.T) {
	var names, values []string
	r := Reader{Doc: []byte(` { "a" : 1 , "\u0062\n" : [ {} ] , "A":"\u0041", "": null } `)}
	if err := r.Members(0, func(name, value []byte) error {
		names, values = append(names, string(name)), append(values, string(value))
		return nil
	}); err != nil || r.End() != nil {
		t.Fatal(err)
	}
	if strings.Join(names, ",") != "a,b\n,A," || strings.Join(values, ",") != `1,[ {} ],"\u0041",null` {
		t.Errorf("%q %q", names, values)
	}
	stop := errors.New("stop")
	r = Reader{Doc: []byte(`[1,2]`)}
	if err := r.Elements(0, func([]byte) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
}

func TestTrim(t *testing.T) {
	for in, want := range map[string]string{"\ufeff {} \n": "{}", "\r\n\t1 ": "1", "\ufeff": "", "{}\ufeff": "{}\ufeff", "": ""} {
		if got := string(Trim([]byte(in))); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

// FuzzFloat: however long a number is, its double is the one next to it.
func FuzzFloat(f *testing.F) {
	f.Add("1", uint16(5000), "", uint16(0), int16(-4990), false)
	f.Add("", uint16(0), "1", uint16(900), int16(850), true)
	f.Add("9007199254740993", uint16(0), "1", uint16(1500), int16(0), false)
	f.Add("2", uint16(0), "5", uint16(340), int16(16), false)
	f.Fuzz(func(t *testing.T, whole string, zeros uint16, fraction string, behind uint16, exponent int16, negative bool) {
		digits := func(s string) string {
			return strings.Map(func(c rune) rune { return '0' + (c&0x7fff)%10 }, s)
		}
		literal := strings.TrimLeft(digits(whole)+strings.Repeat("0", int(zeros)%6000), "0")
		if literal == "" {
			literal = "0"
		}
		literal += "." + strings.Repeat("0", int(behind)%2000) + digits(fraction) + "5e" + big.NewInt(int64(exponent)).String()
		if negative {
			literal = "-" + literal
		}
		exact, _, err := big.ParseFloat(literal, 10, 40000, big.ToNearestEven)
		if err != nil {
			t.Skip(err)
		}
		want, _ := exact.Float64()
		if got := Float([]byte(literal)); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Fatalf("%.60q (%d bytes): %v, want %v", literal, len(literal), got, want)
		}
	})
}

func TestFloatBeyondAllBounds(t *testing.T) {
	zeros := strings.Repeat("0", 5000)
	for literal, want := range map[string]float64{
		"1" + zeros + ".5e-4990":                1e10,
		"0." + zeros + "15e5001":                1.5,
		"1" + zeros:                             math.Inf(1),
		"-1" + zeros:                            math.Inf(-1),
		"0." + zeros + "1":                      0,
		"0." + zeros:                            0,
		"1" + zeros + "e-99999999999999999999":  0,
		"0." + zeros + "1e99999999999999999999": math.Inf(1),
		"0." + zeros + "e99999999999999999999":  0,
	} {
		if got := Float([]byte(literal)); got != want {
			t.Errorf("%.20s… (%d bytes): %v, want %v", literal, len(literal), got, want)
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	doc := []byte(`{"a":"b","c":[1,2.5e3,{"d":null}],"e":"é\n"}`)
	if n := testing.AllocsPerRun(100, func() {
		r := Reader{Doc: doc}
		members := 0
		if r.Members(0, func(_, _ []byte) error { members++; return nil }) != nil || members != 3 {
			t.Fatal("not read")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func sample() []byte {
	b := []byte(`{"uuid":"5fd0aad3d64a99000414d61e","event_time":"2020-12-09T10:45:38.000Z","event_type":"ACCESS","actor":{"user_name":"Ada","n":[1,2.5,true,null]},"note":"`)
	return append(append(b, strings.Repeat("lorem ipsum ", (1024-len(b))/12)...), `"}`...)
}

func BenchmarkMembers1KiB(b *testing.B) {
	doc := sample()
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		r := Reader{Doc: doc}
		if r.Members(0, func(_, _ []byte) error { return nil }) != nil {
			b.Fatal("not read")
		}
	}
}

func BenchmarkEncodingJSONValid1KiB(b *testing.B) {
	doc := sample()
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		json.Valid(doc)
	}
}
