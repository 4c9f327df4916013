//go:build !race

package payload_test

const receiverEvents = 10_000
