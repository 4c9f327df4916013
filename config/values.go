package config

import (
	"encoding"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Bytes is a size, written 1048576, 64KiB, 1MiB or 10GB.
type Bytes int64

var units = []struct {
	name string
	size int64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1},
}

// UnmarshalText reads a size; units are taken in either case.
func (b *Bytes) UnmarshalText(text []byte) error {
	s, size := strings.TrimSpace(string(text)), int64(1)
	for _, u := range units {
		if len(s) > len(u.name) && strings.EqualFold(s[len(s)-len(u.name):], u.name) {
			s, size = strings.TrimSpace(s[:len(s)-len(u.name)]), u.size
			break
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/size {
		return fmt.Errorf("is not a size such as 1048576, 64KiB or 1MiB")
	}
	*b = Bytes(n * size)
	return nil
}

// String writes the size in the largest binary unit that divides it.
func (b Bytes) String() string {
	for _, u := range units[:4] {
		if b != 0 && int64(b)%u.size == 0 {
			return strconv.FormatInt(int64(b)/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// Sync is when the embedded server syncs its files: zero is always, before
// each ack; else the interval.
type Sync time.Duration

// Always tells whether every write is synced before its ack.
func (s Sync) Always() bool { return s == 0 }

// Every is the interval; zero with Always.
func (s Sync) Every() time.Duration { return time.Duration(s) }

// UnmarshalText reads "always" or a duration of 1s or more.
func (s *Sync) UnmarshalText(text []byte) error {
	if string(text) == "always" {
		*s = 0
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d < time.Second {
		return fmt.Errorf(`is neither "always" nor a duration of 1s or more`)
	}
	*s = Sync(d)
	return nil
}

// String writes "always" or the interval.
func (s Sync) String() string {
	if s.Always() {
		return "always"
	}
	return durationText(s.Every())
}

// durationText writes 2m and 168h, where time.Duration has 2m0s and 168h0m0s.
func durationText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// set parses text into v. The error reads on from "<setting> = <text>".
func set(v reflect.Value, text string) error {
	if d, ok := v.Addr().Interface().(*time.Duration); ok {
		parsed, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("is not a duration such as 10s, 5m or 168h")
		}
		*d = parsed
		return nil
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.String:
		if strings.Contains(text, Mask) {
			return fmt.Errorf("is a mask from printed settings; give the real value")
		}
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("is neither true nor false")
		}
		v.SetBool(b)
	case reflect.Int:
		n, err := strconv.ParseInt(text, 10, strconv.IntSize)
		if err != nil {
			return fmt.Errorf("is not a whole number")
		}
		v.SetInt(n)
	case reflect.Float64:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return fmt.Errorf("is not a number such as 0.05")
		}
		v.SetFloat(n)
	default:
		return fmt.Errorf("cannot be set as %s", v.Type())
	}
	return nil
}

// setList parses each element of texts into the slice v.
func setList(v reflect.Value, texts []string) error {
	list := reflect.MakeSlice(v.Type(), len(texts), len(texts))
	for i, text := range texts {
		switch p := list.Index(i).Addr().Interface().(type) {
		case *string:
			*p = text
		case *netip.Prefix:
			parsed, err := netip.ParsePrefix(text)
			if err != nil {
				return fmt.Errorf("has %q, which is not a network such as 10.1.0.0/16 (one address: 10.1.2.3/32)", text)
			}
			*p = parsed.Masked()
		case *netip.Addr:
			parsed, err := netip.ParseAddr(text)
			if err != nil {
				return fmt.Errorf("has %q, which is not an IP address such as 203.0.113.7", text)
			}
			*p = parsed
		default:
			return fmt.Errorf("cannot be a list of %T", p)
		}
	}
	v.Set(list)
	return nil
}

// show writes v as set reads it, secrets masked.
func show(v reflect.Value) string {
	if v.Kind() == reflect.Slice {
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = show(v.Index(i))
		}
		return strings.Join(parts, ",")
	}
	if d, ok := v.Interface().(time.Duration); ok {
		return durationText(d)
	}
	return fmt.Sprint(v.Interface())
}
