package payload

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/postrider/postrider/transport/syntax/jsontext"
)

func canonical(doc []byte) ([]byte, error) {
	c := canons.Get().(*canon)
	defer c.giveBack()
	return c.document(nil, doc, nil)
}

func TestCanonicalForm(t *testing.T) {
	for _, c := range []struct{ doc, want string }{
		{` { "a" : [ 1 , 2 ] } `, `{"a":[1,2]}`},
		{`"\u003c&>\u2028\u007f\/"`, "\"<&>\u2028\x7f/\""},
		{`"\u0000\u001F\b\f\n\r\t\u000b\"\\"`, `"\u0000\u001f\b\f\n\r\t\u000b\"\\"`},
		{`"\ud83d\ude00 \uD83D \ude00\ud83d"`, "\"\U0001F600 \\ud83d \\ude00\\ud83d\""},
		{"\"\xff\"", "\"\ufffd\""},
		{`[1.0, 1e3, -0, -0.0, 1E-7, 0.000001, 1e21, 1e20, 123456.789e-3]`, `[1,1000,0,0,1e-7,0.000001,1e+21,100000000000000000000,123.456789]`},
		{`[1e400, -1e400, 1e-400, 5e-324]`, `[null,null,0,5e-324]`},
		{`[9007199254740991, 9007199254740992, 9007199254740993, -9007199254740993, 123456789012345678901234567890]`,
			`[9007199254740991,9007199254740992,"9007199254740993","-9007199254740993","123456789012345678901234567890"]`},
		{`{"b":1,"10":2,"a":3,"9":4,"01":5,"-1":6,"4294967294":7,"4294967295":8}`,
			`{"9":4,"10":2,"4294967294":7,"b":1,"a":3,"01":5,"-1":6,"4294967295":8}`},
		{`{"a":1,"b":2,"\u0061":{"c":3,"c":4}}`, `{"a":{"c":4},"b":2}`},
		{`{"1":1,"1":2,"0":3}`, `{"0":3,"1":2}`},
		{`{"__proto__":1,"":2,"a":{},"b":[]}`, `{"__proto__":1,"":2,"a":{},"b":[]}`},
		{`true`, `true`}, {`null`, `null`}, {`[]`, `[]`}, {`{}`, `{}`},
	} {
		if got, err := canonical([]byte(c.doc)); err != nil || string(got) != c.want {
			t.Errorf("%s\ngot  %s (%v)\nwant %s", c.doc, got, err, c.want)
		}
	}
}

func TestWhatIsNoJSONIsAnError(t *testing.T) {
	for _, doc := range []string{``, ` `, `{`, `[1`, `[1,]`, `{"a"}`, `{"a":1,}`, `{a:1}`, `01`, `1.`, `-`, `1e`, `.5`, `+1`,
		`"a`, `"\x"`, `"\u12"`, "\"\n\"", `nul`, `truer`, `1 2`, "1\x00", "\x00", `[1}`, strings.Repeat("[", jsontext.MaxDepth+2)} {
		if got, err := canonical([]byte(doc)); err == nil {
			t.Errorf("%.40q became %s", doc, got)
		}
	}
}

func TestManyKeysTakeNoSquareTime(t *testing.T) {
	var b strings.Builder
	b.WriteString("{")
	for i := range 100_000 {
		fmt.Fprintf(&b, `"k%d":%d,`, i%50_000, i)
	}
	b.WriteString(`"end":0}`)
	got, err := canonical([]byte(b.String()))
	if err != nil || !bytes.HasPrefix(got, []byte(`{"k0":50000,"k1":50001,`)) {
		t.Fatalf("%.60s, %v", got, err)
	}
}

// TestNodeWritesTheSame holds the promise that counts: a receiver that parses
// and writes our body again in JavaScript has the bytes that were signed.
func TestNodeWritesTheSame(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not on this machine: install it to compare with JavaScript itself")
	}
	rng := rand.New(rand.NewPCG(1, 2))
	zeros := strings.Repeat("0", 5000)
	docs := [][]byte{
		[]byte("[1" + zeros + ".5e-4990,-1" + zeros + ".5e-4990,0." + zeros + "15e+5001,1." + zeros + "1,0." + zeros + "1]"),
		[]byte("[1" + zeros + "e-5000,1" + zeros + "e-99999999999999999999,1.5e99999999999999999999,9007199254740992." + zeros + "1]"),
		[]byte("[" + strings.Repeat("1234567890", 90) + ".5e-890,0." + strings.Repeat("0987654321", 90) + "e5]"),
	}
	for range 6000 {
		docs = append(docs, randomValue(rng, nil, 4))
	}
	ours := make([][]byte, len(docs))
	for i, doc := range docs {
		if ours[i], err = canonical(doc); err != nil {
			t.Fatalf("%s: %v", doc, err)
		}
	}
	back := throughNode(t, node, slices.Concat(ours, docs))
	again, direct := back[:len(ours)], back[len(ours):]
	large := 0
	for i := range docs {
		if !bytes.Equal(again[i], ours[i]) {
			t.Fatalf("JavaScript writes our body otherwise\ndocument %s\nours     %s\nnode     %s", docs[i], ours[i], again[i])
		}
		if bytes.Contains(docs[i], []byte(largeMark)) {
			large++ // large integers are strings with us
		} else if !bytes.Equal(direct[i], ours[i]) {
			t.Fatalf("JavaScript writes the document otherwise\ndocument %s\nours     %s\nnode     %s", docs[i], ours[i], direct[i])
		}
	}
	t.Logf("%d documents, %d of them with integers beyond 2^53", len(docs), large)
}

// throughNode gives JSON.stringify(JSON.parse(doc)) of each, by one process.
func throughNode(t *testing.T, node string, docs [][]byte) [][]byte {
	t.Helper()
	const script = `
const lines = require('fs').readFileSync(0, 'latin1').trimEnd().split('\n');
const out = lines.map(l => Buffer.from(JSON.stringify(JSON.parse(Buffer.from(l, 'base64').toString('utf8'))), 'utf8').toString('base64'));
process.stdout.write(out.join('\n') + '\n');`
	var in bytes.Buffer
	for _, doc := range docs {
		in.WriteString(base64.StdEncoding.EncodeToString(doc) + "\n")
	}
	cmd := exec.Command(node, "-e", script)
	cmd.Stdin = &in
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, complaint.String())
	}
	var got [][]byte
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		doc, err := base64.StdEncoding.DecodeString(lines.Text())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, doc)
	}
	if len(got) != len(docs) {
		t.Fatalf("%d documents back of %d", len(got), len(docs))
	}
	return got
}

// largeMark is in each document that holds an integer beyond 2^53.
const largeMark = "large"

func randomValue(rng *rand.Rand, dst []byte, depth int) []byte {
	space := func() {
		if rng.IntN(6) == 0 {
			dst = append(dst, " \n\t\r"[rng.IntN(4)])
		}
	}
	space()
	kind := rng.IntN(8)
	if depth <= 0 {
		kind %= 5
	}
	switch kind {
	case 0, 1:
		dst = randomString(rng, dst)
	case 2, 3:
		dst = randomNumber(rng, dst)
	case 4:
		dst = append(dst, [...]string{"true", "false", "null"}[rng.IntN(3)]...)
	case 5:
		dst = append(dst, '[')
		for i := range rng.IntN(5) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = randomValue(rng, dst, depth-1)
		}
		space()
		dst = append(dst, ']')
	default:
		dst = append(dst, '{')
		for i := range rng.IntN(40) / (1 + rng.IntN(8)) {
			if i > 0 {
				dst = append(dst, ',')
			}
			space()
			dst = randomKey(rng, dst)
			space()
			dst = append(dst, ':')
			dst = randomValue(rng, dst, depth-2+rng.IntN(2)*min(1, depth-1))
		}
		space()
		dst = append(dst, '}')
	}
	space()
	return dst
}

func randomKey(rng *rand.Rand, dst []byte) []byte {
	switch rng.IntN(4) {
	case 0:
		return append(strconv.AppendInt(append(dst, '"'), int64(rng.IntN(15)), 10), '"')
	case 1:
		odd := []string{"4294967294", "4294967295", "4294967296", "00", "-0", "1.5", "9007199254740993", "__proto__", "constructor", "toJSON", "", "1e3"}
		return append(append(append(dst, '"'), odd[rng.IntN(len(odd))]...), '"')
	case 2:
		return append(append(append(dst, '"'), "abc"[rng.IntN(3)]), '"')
	}
	return randomString(rng, dst)
}

func randomString(rng *rand.Rand, dst []byte) []byte {
	dst = append(dst, '"')
	for range rng.IntN(8) {
		switch rng.IntN(7) {
		case 0:
			dst = fmt.Appendf(dst, `\u%04x`, rng.IntN(0x10000))
		case 1:
			dst = fmt.Appendf(dst, `\u%04X`, 0xd800+rng.IntN(0x800))
		case 2:
			dst = append(dst, '\\', `"\/bfnrt`[rng.IntN(8)])
		case 3:
			dst = append(dst, []string{"\u2028", "\u2029", "\u007f", "é", "\U0001F600", "\ufeff", "\ufffd"}[rng.IntN(7)]...)
		case 4:
			dst = fmt.Appendf(dst, `\ud83d\ude%02x`, rng.IntN(256))
		default:
			dst = append(dst, "az&<>' +"[rng.IntN(8)])
		}
	}
	return append(dst, '"')
}

func randomNumber(rng *rand.Rand, dst []byte) []byte {
	switch rng.IntN(8) {
	case 0:
		dst = fmt.Appendf(dst, `{"%s":%d}`, largeMark, uint64(maxSafe)+1+rng.Uint64N(1<<62))
	case 1:
		dst = strconv.AppendInt(dst, rng.Int64N(2*maxSafe)-maxSafe, 10)
	case 2:
		dst = strconv.AppendFloat(dst, math.Float64frombits(rng.Uint64()&^(0x7ff<<52)|uint64(rng.IntN(0x7ff))<<52), 'e', -1, 64)
	case 3:
		dst = fmt.Appendf(dst, "%d.%d0E%+d", rng.IntN(3), rng.IntN(1000), rng.IntN(60)-30)
	case 4:
		dst = fmt.Appendf(dst, "%d.%de%d", rng.IntN(1e6)+1, rng.IntN(1e6), rng.IntN(700)-350)
	case 5:
		dst = append(dst, []string{"0", "-0", "-0.0", "1e21", "1e-7", "999999999999999999999.5", "1e308", "1e309"}[rng.IntN(8)]...)
	default:
		dst = strconv.AppendInt(dst, int64(rng.IntN(2000)-1000), 10)
	}
	return dst
}

// FuzzCanonical: what is valid JSON has a canonical form, which is valid JSON,
// and its own canonical form but for numbers that JavaScript writes with more
// than 2^53; what is not is an error.
func FuzzCanonical(f *testing.F) {
	for _, doc := range []string{access, audit, `[1e20,"\ud800",{"1":1,"1":2}]`, `{"a":`, "\"\xed\xa0\x80\"", `1e999`} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		got, err := canonical(doc)
		if valid := json.Valid(doc); valid != (err == nil) {
			t.Fatalf("%q: valid %v, error %v", doc, valid, err)
		}
		if err != nil {
			return
		}
		if !json.Valid(got) {
			t.Fatalf("%q became %q", doc, got)
		}
		again, err := canonical(got)
		if err != nil {
			t.Fatal(err)
		}
		// 1e20 is written 100000000000000000000, which read again is an integer.
		if third, _ := canonical(again); !bytes.Equal(third, again) {
			t.Fatalf("%q, %q, %q", doc, again, third)
		}
		if !bytes.ContainsAny(doc, "eE.") && !bytes.Equal(again, got) {
			t.Fatalf("%q became %q, then %q", doc, got, again)
		}
	})
}
