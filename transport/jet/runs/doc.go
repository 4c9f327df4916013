// Package runs is what runs of alerts stand on: the log of detections, when runs
// are due, what they are and came to, each in a stream or bucket of its own.
//
// It imports transport/jet and cron, and no other room.
package runs
