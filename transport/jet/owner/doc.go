// Package owner keeps the records of who owns a shard, in the shard's own streams:
// attempts.<shard>.owner in ATTEMPTS, park.<shard>.owner in DEFERRED and
// letters.<shard>.owner in DEADLETTERS. It writes and reads them, and what an
// owner has its journal tell beside its records: that it lives, and what it purges.
//
// It promises that a record is written only in place of the one that is named,
// and that the guards of the shard's jet.Fence go by the record that was written.
// Who is to own the shard it does not decide. It may import transport and jet.
package owner
