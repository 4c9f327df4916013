package matching

import "unicode/utf8"

// literals counts the characters of a pattern that are no wildcards.
func literals(pattern string) (n int) {
	for _, r := range pattern {
		if r != '?' && r != '*' {
			n++
		}
	}
	return n
}

// glob tells whether pattern covers the whole of value: ? is one character, *
// any run of them.
func glob(pattern string, value []byte) bool {
	// star is behind the last * passed, and held where value goes on if that *
	// takes one character more.
	i, j, star, held := 0, 0, -1, 0
	for j < len(value) {
		switch {
		case i < len(pattern) && pattern[i] == '*':
			i++
			star, held = i, j
		case i < len(pattern) && pattern[i] == '?':
			i++
			j += width(value[j:])
		case i < len(pattern) && pattern[i] == value[j]:
			i, j = i+1, j+1
		case star >= 0:
			held += width(value[held:])
			i, j = star, held
		default:
			return false
		}
	}
	for i < len(pattern) && pattern[i] == '*' {
		i++
	}
	return i == len(pattern)
}

func width(value []byte) int {
	if value[0] < utf8.RuneSelf {
		return 1
	}
	_, n := utf8.DecodeRune(value)
	return n
}

// within tells whether pattern covers the whole of value after at most k
// characters are inserted, left out or changed. In the pattern ? stands for any
// one character, and * for any run at no cost.
func within(pattern string, value []byte, k int) bool {
	var runeRoom [maxNumber]rune
	runes := runeRoom[:0]
	for rest := value; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		runes, rest = append(runes, r), rest[n:]
	}
	// row[j] is the cost of covering the first j characters of value with the
	// pattern so far.
	var rowRoom [maxNumber + 1]int
	row := rowRoom[:0]
	for j := range len(runes) + 1 {
		row = append(row, j)
	}
	for _, p := range pattern {
		if least := nextRow(row, p, runes); least > k {
			return false
		}
	}
	return row[len(runes)] <= k
}

// nextRow takes row one character of the pattern further, and gives its least cost.
func nextRow(row []int, p rune, runes []rune) int {
	before := row[0] // the former row[j-1]
	if p != '*' {
		row[0]++
	}
	least := row[0]
	for j := 1; j < len(row); j++ {
		former := row[j]
		switch {
		case p == '*':
			row[j] = min(former, row[j-1])
		case p == '?' || p == runes[j-1]:
			row[j] = min(before, former+1, row[j-1]+1)
		default:
			row[j] = min(before, former, row[j-1]) + 1
		}
		before = former
		least = min(least, row[j])
	}
	return least
}
