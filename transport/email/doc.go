// Package email sends events to mailboxes by SMTP, through the operator's
// relay: of a run's report the matches that are the mailbox's, for ops events
// and others a notice. One attempt at a time, its answer classified once.
//
// It promises: a Send always ends, at the latest at its time limit, waiting for
// a connection included, and always in a class; it never panics. The mail about
// an event is the same bytes at every attempt, its Message-ID among them. What
// comes from outside stays text: it makes no header, part, line or tag of its
// own, and links go to http and https alone. Mails are bounded in size. What is
// the relay's trouble (no answer, TLS, AUTH, a refused sender) is Refused with
// transport.ReasonRelay, never the mailbox's. The relay's certificate is
// verified, and its password reaches no Answer, error or verb of fmt.
//
// Connections are kept for some seconds and never more than Options allow.
// Delivered means that the relay took the mail: bounces come to Options.From.
//
// It may import transport, transport/payload, transport/telemetry, matching,
// and go-mail, which has its one door here.
package email
