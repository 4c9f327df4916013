package payload

import (
	"strings"
	"testing"

	"github.com/postrider/postrider/transport"
)

func kib() *transport.Event {
	return event(`{"text":"` + strings.Repeat("x", 1024-11) + `"}`)
}

func BenchmarkStandard(b *testing.B) { bench(b, endpoint("standard", "", ""), kib()) }
func BenchmarkGenLogs(b *testing.B)  { bench(b, endpoint("genlogs", "", ""), kib()) }
func BenchmarkGenea(b *testing.B)    { bench(b, endpoint("genea", "", "v2"), event(access)) }

func bench(b *testing.B, ep *transport.Endpoint, ev *transport.Event) {
	r, err := New(ep)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("body", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(ev.Data)))
		for b.Loop() {
			if _, err := r.Body(ev); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(ev.Data)))
		var dst []byte
		for b.Loop() {
			if dst, err = r.Append(dst[:0], ev); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkGeneaV3(b *testing.B) { bench(b, endpoint("genea", "", "v3"), event(access)) }

// BenchmarkHardware is what each Genea body costs before it is rendered.
func BenchmarkHardware(b *testing.B) {
	ev := event(access)
	b.ReportAllocs()
	b.SetBytes(int64(len(ev.Data)))
	for b.Loop() {
		if Hardware(ev) != "mercury" {
			b.Fatal("not found")
		}
	}
}
