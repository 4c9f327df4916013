// Package lease decides which node owns a shard: the one whose record is the
// last on the owner's subject of the shard's journal. Every write of the journal
// names that record's sequence and is refused by the stream where another's
// stands there, so the journal itself is the lease, and there is no second truth.
//
// A Machine decides purely: Step(now, input) gives effects; it has no clock, no
// I/O and no goroutine. A Keeper carries out. The promises:
//
//   - At no moment do two nodes act as owner (Proof.Holds), whatever is delayed,
//     lost, frozen or led by another server, as long as no machine's clock runs
//     half as fast again as another's.
//   - An owner acts for 2 s after it sent the last write that its journal took,
//     by its monotonic clock, and not where its wall clock parted from that: a
//     machine that was frozen whole. Attempts under way are cut at 3 s.
//   - Another takes the shard over after 3 s in which one and the same leader of
//     the journal's stream kept answering that nothing was written, and by a
//     write that is refused where something was meanwhile; at once where the
//     owner has released it.
//   - An owner that is refused stops for good, or goes on under its own record
//     where only its place had changed.
//
// What remains: requests that were under way, or past their check, as an owner
// froze. It may import transport alone.
package lease
