// Package email will send matches to mailboxes by SMTP, with the same attempts,
// answers and Message-ID rules as any delivery.
//
// It is empty until mailboxes are built: this version delivers by HTTP alone.
// It will promise the same Message-ID at each attempt, and that a send always
// ends within its time limit.
//
// It may import transport, transport/payload, transport/telemetry, matching,
// and the SMTP library, which will have its one door here.
package email
