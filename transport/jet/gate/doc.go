// Package gate takes what producers publish by NATS to an embedded server, and
// answers it in the server's place, as JetStream would: so what comes within a
// moment is stored with one sync of the disk, and what may not be stored is
// refused with a word about what to do, by the client's own error.
//
// It promises:
//   - An acknowledgement says that the message is stored; none says so before.
//   - Nats-Msg-Id is the customer's: of two with one id within the window the
//     second is answered as duplicate of the first, one under way is waited for.
//     Older ones are the ledger's. What is forgotten early (a bound, a start)
//     can only mean that the ledger tells instead.
//   - Messages of one publisher on one subject are stored in their order.
//   - Each customer has a queue of bounded size, and the queues take turns by
//     size. A queue that grows is felt as slower acknowledgements; one that is
//     full refuses.
//   - Reading never waits for the store.
//
// What decides (Rules, Queue, ids, Lane) knows no connection; Gate carries out.
// It may import transport, publisher and nats.go.
package gate
