package matching

import (
	"hash/maphash"
	"strings"
	"unicode"
	"unicode/utf8"
)

// word is one word of one of a detection's texts.
type word struct {
	text       string // the whole text
	start, end int    // of text
	folded     []byte
	key        uint64
	// first marks the first word of a text.
	first bool
}

// wordByte has, for each letter or digit of ASCII, its upper case; 0 for the others.
var wordByte = func() (upper [utf8.RuneSelf]byte) {
	for b := range byte(utf8.RuneSelf) {
		switch {
		case b >= 'a' && b <= 'z':
			upper[b] = b - 'a' + 'A'
		case b >= 'A' && b <= 'Z' || b >= '0' && b <= '9':
			upper[b] = b
		}
	}
	return upper
}()

// appendWord appends the next run of letters and digits at or behind from, in
// its normal form; start equals end where there is none.
func appendWord(dst []byte, text string, from int) (folded []byte, start, end int) {
	for start = from; start < len(text) && text[start] < utf8.RuneSelf && wordByte[text[start]] == 0; start++ {
	}
	for end = start; end < len(text); end++ {
		b := text[end]
		if b >= utf8.RuneSelf {
			return appendForeignWord(dst[:len(dst)-(end-start)], text, start)
		}
		upper := wordByte[b]
		if upper == 0 {
			break
		}
		dst = append(dst, upper)
	}
	return dst, start, end
}

// appendForeignWord is appendWord for words that are not of ASCII alone.
func appendForeignWord(dst []byte, text string, from int) (folded []byte, start, end int) {
	start = len(text)
	for end = from; end < len(text); {
		r, n := utf8.DecodeRuneInString(text[end:])
		switch inWord := isWordRune(r); {
		case inWord && !unicode.Is(unicode.M, r): // a mark begins no word
			start = min(start, end)
		case !inWord && start < end:
			return settled(dst, text[start:end], foldWord), start, end
		}
		end += n
	}
	return settled(dst, text[start:end], foldWord), start, end
}

func isWordRune(r rune) bool {
	return r != utf8.RuneError && unicode.In(r, unicode.L, unicode.Nd, unicode.M)
}

// foldWord keeps of a word's NFKC what belongs to words.
func foldWord(dst, s []byte) []byte {
	start := len(dst)
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		if s = s[n:]; isWordRune(r) && (len(dst) > start || !unicode.Is(unicode.M, r)) {
			dst = utf8.AppendRune(dst, foldRune(r))
		}
	}
	return dst
}

// allWords are the words of all texts of the detection, read when first asked for.
func (p *Probe) allWords() []word {
	if p.wordsRead {
		return p.words
	}
	p.wordsRead = true
	d := p.d
	p.readWords(d.Text)
	for _, text := range d.TrailerLogo {
		p.readWords(text)
	}
	for _, text := range [...]string{
		d.City, d.State, d.Road, d.LicensePlate, d.LicensePlateState, d.VIN, d.USDOT, d.MC, d.CabNumber,
		d.TrailerNumber, d.ChassisNumber, d.ContainerNumber, d.EquipmentType,
	} {
		p.readWords(text)
	}
	return p.words
}

func (p *Probe) readWords(text string) {
	first := true
	for end := 0; end < len(text); {
		from, start := len(p.buf), 0
		if p.buf, start, end = appendWord(p.buf, text, end); start == end {
			return
		}
		folded := p.buf[from:len(p.buf):len(p.buf)]
		if len(folded) == 0 {
			continue // a mark that stands for nothing
		}
		key := maphash.Bytes(seed, folded)
		p.wordBits.set(key)
		p.words = append(p.words, word{text, start, end, folded, key, first})
		first = false
	}
}

// bitset is a set of keys that may say yes too often.
type bitset [4]uint64

func (b *bitset) set(key uint64)      { b[key>>6&3] |= 1 << (key & 63) }
func (b *bitset) has(key uint64) bool { return b[key>>6&3]&(1<<(key&63)) != 0 }

// find looks for words (folded, one blank between) in this order in any one
// text, other words between them or not. It gives the shortest part of a text
// that has them, the first of those.
func (p *Probe) find(words string) (found string, ok bool) {
	var wantRoom [maxWords]string
	want := wantRoom[:0]
	all := p.allWords()
	for part := range strings.SplitSeq(words, " ") {
		if !p.wordBits.has(maphash.String(seed, part)) {
			return "", false
		}
		want = append(want, part)
	}
	// begins[i] is where the latest run of the first i+1 words begins, -1 for none.
	var begins [maxWords]int
	for _, w := range all {
		for i := len(want) - 1; i >= 0; i-- {
			if w.first {
				begins[i] = -1
			}
			if string(w.folded) != want[i] {
				continue
			}
			switch {
			case i == 0:
				begins[0] = w.start
			case w.first:
				continue
			default:
				begins[i] = begins[i-1]
			}
			if i == len(want)-1 && begins[i] >= 0 && (!ok || w.end-begins[i] < len(found)) {
				found, ok = w.text[begins[i]:w.end], true
			}
		}
	}
	return found, ok
}
