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

// appendWord appends the next run of letters and digits at or behind from, with
// its case folded; start equals end where there is none.
func appendWord(dst []byte, text string, from int) (folded []byte, start, end int) {
	start = -1
	for end = from; end < len(text); {
		if b := text[end]; b < utf8.RuneSelf {
			upper := wordByte[b]
			if upper == 0 && start >= 0 {
				return dst, start, end
			}
			if upper != 0 {
				start = begin(start, end)
				dst = append(dst, upper)
			}
			end++
			continue
		}
		r, n := utf8.DecodeRuneInString(text[end:])
		if isWord := r != utf8.RuneError && unicode.In(r, unicode.L, unicode.Nd, unicode.M); isWord {
			start = begin(start, end)
			dst = utf8.AppendRune(dst, foldRune(r))
		} else if start >= 0 {
			return dst, start, end
		}
		end += n
	}
	return dst, begin(start, end), end
}

// begin is start once it is set, else here.
func begin(start, here int) int {
	if start >= 0 {
		return start
	}
	return here
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
	for end := 0; end < len(text); first = false {
		from, start := len(p.buf), 0
		if p.buf, start, end = appendWord(p.buf, text, end); start == end {
			return
		}
		folded := p.buf[from:len(p.buf):len(p.buf)]
		key := maphash.Bytes(seed, folded)
		p.wordBits.set(key)
		p.words = append(p.words, word{text, start, end, folded, key, first})
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
