package payload

import "testing"

func BenchmarkFilter(b *testing.B) {
	for name, source := range map[string]string{
		"type":    `event.type.startsWith('access.') && event.customer == 'acme'`,
		"field":   `event.data.event_action == 'SEQUR_ACCESS_GRANTED'`,
		"several": `event.data.door.name == 'Main' && event.data.location.city in ['Alpharetta', 'Atlanta'] && event.data.actor.user_name.matches('^Zo')`,
	} {
		b.Run(name, func(b *testing.B) {
			f, err := NewFilter(source)
			if err != nil {
				b.Fatal(err)
			}
			ev := event(access)
			b.ReportAllocs()
			for b.Loop() {
				if got, err := f.Match(NewView(ev)); !got || err != nil {
					b.Fatal(got, err)
				}
			}
		})
	}
}

// BenchmarkTemplate is a body of ten expressions over Genea's sample.
func BenchmarkTemplate(b *testing.B) {
	const body = `{"message":"${event.data.event_message} at ${event.data.location.name}","ddsource":"postrider","service":"${event.customer}",
		"user":"${event.data.actor.user_name}","card":"${event.data.card.card_number}","at":"${epoch(event.time)}","type":"${event.type}",
		"level":"${event.data.event_action == 'SEQUR_ACCESS_GRANTED' ? 'info' : 'warn'}","id":"${event.id}","city":"${event.data.location.city}"}`
	r, err := New(withBody(body))
	if err != nil {
		b.Fatal(err)
	}
	ev := event(access)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := r.Render(ev); err != nil {
			b.Fatal(err)
		}
	}
}
