// Package ledger knows which events were seen before: the dedup of event ids
// that producers gave.
//
// Local remembers a log's last two minutes in memory, Redis 72 hours for all
// nodes, and Stage puts both in front of a shard. An event is marked as a
// duplicate only of an earlier one (a lower sequence of its log, or another
// log's earlier time), less than the dedup time before it by the log's own
// clock. So a redelivery is no duplicate, no two events can be duplicates of
// each other, and of all events with an id one is always delivered. Whatever is
// forgotten (a restart, Redis away, the bound on memory) can only mean a second
// delivery, never a lost one. Last-run cursors will live here too.
//
// It may import transport, and is the only door to go-redis.
package ledger
