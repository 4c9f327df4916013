package lease

import "github.com/postrider/postrider/transport"

// look asks for the next look, one at a time.
func (m *Machine) look(now Moment) {
	if m.looking || now.Mono < m.lookAt {
		return
	}
	m.looking, m.lookAt = true, now.Mono+LookEvery
	m.do(Effect{Do: Watch})
}

func (m *Machine) looked(now Moment, in *Input) {
	m.looking = false
	switch m.state {
	case StandingBy:
		m.watch(now, in)
	case Doubting:
		m.settle(now, &in.Look)
	}
}

// watch takes the shard where it is free, or its journal was silent for long
// enough. An answer counts from when it was asked for, the silence from when its
// first answer had come.
func (m *Machine) watch(now Moment, in *Input) {
	l := &in.Look
	same := m.silence.kept && l.Leader == m.seen.Leader && l.Last == m.seen.Last &&
		in.Sent.Mono-m.silence.heard.Mono <= GapMost
	if !same {
		m.silence = silence{kept: true, since: now}
	}
	m.silence.heard, m.seen = now, *l
	switch {
	case m.free(l):
		m.take(l, false)
	case in.Sent.Mono-m.silence.since.Mono >= TakeAfter:
		m.take(l, true)
	}
}

// free tells that no owner has to be waited for: nobody else can be one, nothing
// was ever written, or the last one has released the shard, or was this very run
// of the node, which then did not come to its end in taking it.
func (m *Machine) free(l *Look) bool {
	r := &l.Records[Journal]
	return m.o.Sole || l.Last == 0 || r.Seq != 0 && (r.Released || r.Boot == m.o.Boot)
}

// take begins to write the records. After a silence the first is only taken
// where the silence has lasted to this very write: an owner that woke up
// meanwhile, and proved it, stays.
func (m *Machine) take(l *Look, silent bool) {
	m.state, m.stage = Taking, Journal
	m.epoch = 0
	for s := range Streams {
		m.epoch = max(m.epoch, l.Records[s].Epoch)
	}
	m.epoch++
	m.do(Effect{Do: Write, Stream: Journal, Owner: m.me(), After: l.Records[Journal].Seq, Silent: silent, Last: l.Last})
}

// took goes on to the next record; with the last one the shard is owned.
func (m *Machine) took(now Moment, in *Input) {
	if in.Stream != m.stage {
		return
	}
	m.seqs[in.Stream], m.written[in.Stream] = in.Seq, now
	if in.Stream == Journal {
		m.proof = Proof{Sent: in.Sent}
	}
	if m.stage++; m.stage < Streams {
		m.do(Effect{Do: Write, Stream: m.stage, Owner: m.me(), After: m.seen.Records[m.stage].Seq})
		return
	}
	m.state, m.halted, m.cut, m.beating = Owning, false, false, false
	m.writing = [Streams]bool{}
	m.do(Effect{Do: Own, Epoch: m.epoch, Owner: m.me()})
}

// Seen is the owner by the last look: of a node that stands by.
func (m *Machine) Seen() transport.OwnerRecord { return m.seen.Records[Journal] }
