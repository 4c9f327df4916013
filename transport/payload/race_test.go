//go:build race

package payload_test

// receiverEvents: the race detector makes each delivery some times as dear.
const receiverEvents = 2000
