// Package matching will tell which stored alerts a detection matches: Alert,
// Detection and Match, an index that may say yes too often, and the exact
// check after it. Pure: bytes in, matches out.
//
// It is empty until alerts are built. It will promise that the index leaves no
// match out, and that the same alerts and detection give the same matches.
//
// It may import the standard library alone.
package matching
