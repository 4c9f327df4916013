// Package node is one node: it wires the packages together, starts them in the
// order in which they need each other, and stops them so that nothing accepted
// is lost. It holds no rule of delivery itself, knows no command line, and
// reads no setting but those it is given.
//
// The order of a start: HTTP listens and answers "not ready"; the store opens;
// the shard is taken from what the journal and DEFERRED say; endpoints,
// mailboxes and alerts are read; only then are events pulled, and only then does
// the API answer. A stop goes the other way: no new leases, attempts under way
// finish within the patience given, the rest is handed back to the log, and
// what is being written is written before the store closes.
//
// Start and Stop are a node without HTTP, for demo, bench and tests; Serve is
// the whole. Stop may be called again. What a customer must be told (endpoints
// that fail or recover, dead letters, filters put away) is written here, and
// tried until it is.
package node
