// Package config holds the settings of a process: one struct with each
// setting's default and meaning, filled from the file postrider.yaml, then
// POSTRIDER_* environment variables, then flags; the later wins.
//
// It promises that an unknown or wrong setting is an error that names itself,
// where it came from, and the remedy; that Print shows every setting with its
// meaning; and that no secret is printed, by Print, an error, or any fmt verb.
//
// It may import the standard library, koanf and the YAML parser. Only
// cmd/postrider imports it: the other packages are given plain values.
package config
