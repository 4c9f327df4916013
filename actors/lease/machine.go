package lease

import (
	"time"

	"github.com/postrider/postrider/transport"
)

// State is where a node stands with a shard.
type State int

// States.
const (
	// StandingBy: another owns it, or nobody does yet.
	StandingBy State = iota
	// Taking: its records are being written.
	Taking
	// Owning it.
	Owning
	// Doubting: a write was refused, and who owns it is being looked up.
	Doubting
	// Leaving: that it is released is being written.
	Leaving
	// Gone: the machine is at its end.
	Gone
)

// Options of a Machine.
type Options struct {
	Node, Boot string
	// Sole: no other node can reach the streams, so the shard is taken at once,
	// and never lost for want of a proof.
	Sole bool
	// Keep is how long each stream keeps a message; 0: for ever.
	Keep [Streams]time.Duration
}

// Machine decides for one node and one shard.
type Machine struct {
	o       Options
	state   State
	effects []Effect

	looking bool
	lookAt  time.Duration // no look sooner
	silence silence
	seen    Look

	stage   Stream // of Taking: the record that is being written
	epoch   uint64
	seqs    [Streams]uint64
	written [Streams]Moment // or tried to
	writing [Streams]bool   // anew
	proof   Proof
	beating bool
	beatAt  time.Duration // no beat sooner
	halted  bool
	cut     bool
}

// silence is how long one leader has told that nothing is written.
type silence struct {
	kept         bool
	since, heard Moment
}

// New gives a machine of a node that stands by.
func New(o Options) *Machine { return &Machine{o: o} }

// State tells where the node stands.
func (m *Machine) State() State { return m.state }

// Acts tells whether the node may pull, send, park, purge and ack.
func (m *Machine) Acts(now Moment) bool {
	return m.state == Owning && !m.halted && (m.o.Sole || m.proof.Holds(now))
}

// Step takes one input and returns what to do, in order. The slice is valid
// until the next Step.
func (m *Machine) Step(now Moment, in Input) []Effect {
	clear(m.effects)
	m.effects = m.effects[:0]
	switch in.Kind {
	case Looked:
		m.looked(now, &in)
	case Unseen:
		m.looking, m.silence = false, silence{}
	case Stored:
		m.stored(now, &in)
	case Refused, Unanswered:
		m.failed(now, &in)
	case Proved:
		m.prove(in.Sent)
	case Beaten:
		m.beating = false
	case Deposed:
		m.doubt(now)
	case Left:
		m.leave()
	}
	m.work(now)
	return m.effects
}

func (m *Machine) do(e Effect) { m.effects = append(m.effects, e) }

// work does what is due by the time.
func (m *Machine) work(now Moment) {
	switch m.state {
	case StandingBy:
		m.look(now)
	case Doubting:
		m.look(now)
		m.judge(now)
	case Owning:
		m.judge(now)
		m.rewrite(now)
		m.beat(now)
	}
}

// judge stops and goes on by the proof.
func (m *Machine) judge(now Moment) {
	if m.state == Owning && (m.o.Sole || m.proof.Holds(now)) {
		m.goOn()
		return
	}
	m.halt()
	if !m.cut && !m.o.Sole && m.proof.Age(now) >= CutAfter {
		m.cut = true
		m.do(Effect{Do: Cut})
	}
}

func (m *Machine) halt() {
	if !m.halted {
		m.halted = true
		m.do(Effect{Do: Halt})
	}
}

func (m *Machine) goOn() {
	if m.halted {
		m.halted, m.cut = false, false
		m.do(Effect{Do: GoOn})
	}
}

// prove notes a write that was taken, and was first sent at a moment.
func (m *Machine) prove(sent Moment) {
	if sent.Mono > m.proof.Sent.Mono {
		m.proof.Sent = sent
	}
}

// beat: only what is idle beats, as each guarded write proves as much.
func (m *Machine) beat(now Moment) {
	if m.o.Sole || m.beating || now.Mono < m.beatAt {
		return
	}
	if now.Mono-m.proof.Sent.Mono < BeatEvery && m.proof.Holds(now) {
		return
	}
	m.beating, m.beatAt = true, now.Mono+BeatAgain
	m.do(Effect{Do: Beat})
}

// rewrite writes the records anew before the streams drop them.
func (m *Machine) rewrite(now Moment) {
	for s := range Streams {
		if keep := m.o.Keep[s]; keep > 0 && !m.writing[s] && now.Mono-m.written[s].Mono >= keep/RewriteShare {
			m.writing[s], m.written[s] = true, now
			m.do(Effect{Do: Write, Stream: s, Owner: m.me(), After: m.seqs[s]})
		}
	}
}

func (m *Machine) me() transport.Owner {
	return transport.Owner{Node: m.o.Node, Boot: m.o.Boot, Epoch: m.epoch}
}

// doubt: a guarded write was refused. No write is taken before it is known why.
func (m *Machine) doubt(now Moment) {
	if m.state != Owning {
		return
	}
	m.state = Doubting
	m.lookAt = now.Mono
}

// settle ends the doubt: the records are another's, or lie elsewhere than known.
func (m *Machine) settle(now Moment, l *Look) {
	for s := range Streams {
		r := &l.Records[s]
		if r.Seq == 0 || r.Boot != m.o.Boot || r.Epoch != m.epoch {
			m.state = Gone
			m.halt()
			m.do(Effect{Do: Lose, Owner: r.Owner})
			return
		}
	}
	for s := range Streams {
		if r := &l.Records[s]; r.Seq != m.seqs[s] {
			m.seqs[s], m.written[s] = r.Seq, now
			m.do(Effect{Do: Adopt, Stream: s, Seq: r.Seq})
		}
	}
	m.state = Owning
}

func (m *Machine) leave() {
	switch m.state {
	case Owning, Doubting:
		m.state = Leaving
		me := m.me()
		me.Released = true
		m.do(Effect{Do: Write, Stream: Journal, Owner: me, After: m.seqs[Journal]})
	case StandingBy, Taking:
		m.state = Gone
		m.do(Effect{Do: Leave})
	}
}

// stored takes in that a record was written.
func (m *Machine) stored(now Moment, in *Input) {
	switch m.state {
	case Taking:
		m.took(now, in)
	case Owning, Doubting:
		m.seqs[in.Stream], m.written[in.Stream], m.writing[in.Stream] = in.Seq, now, false
		if in.Stream == Journal {
			m.prove(in.Sent)
		}
	case Leaving:
		m.left()
	}
}

// failed takes in that a record was not written, or may not be.
func (m *Machine) failed(now Moment, in *Input) {
	switch m.state {
	case Taking:
		// Where the first record was written it is found, and is taken on from.
		m.state, m.silence = StandingBy, silence{}
	case Owning, Doubting:
		m.writing[in.Stream] = false
		if in.Kind == Refused {
			m.doubt(now)
		}
	case Leaving:
		m.left()
	}
}

func (m *Machine) left() {
	m.state = Gone
	m.do(Effect{Do: Leave})
}
