// Package matching tells which stored alerts a detection matches: Alert,
// Detection, Match and Report; an Index that finds candidates by keys, and the
// exact check after it. docs/matching.md has every rule with examples, and runs
// as a test of this package.
//
// It is pure: bytes in, matches out; no clock, no I/O, no goroutine. It
// promises that the index leaves no match out, that the same alerts and
// detection give the same hits in the same order, that an alert is changed
// while others match, and that an error names the field and what to do.
//
// The way: Detection.Decode, Probe.Load, Index.Match, NewMatch, NewReport.
//
// Each kind of number and place has one normal form, for alerts and detections
// alike (normal.go, vin.go, carriers.go, states.go).
//
// It may import the standard library, syntax, and x/text's Unicode forms.
package matching
