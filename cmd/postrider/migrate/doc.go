// Package migrate reads the endpoints of other senders of webhooks (Svix,
// Convoy, Outpost), as their APIs list them, and makes documents of them that
// postrider apply takes, telling for each what carries over and what does not.
//
// It is pure: bytes in, endpoints out. It promises that a field which means
// something and is not carried over is named, that what it does not understand
// is an error or named, never guessed, and that no error or note shows a secret.
//
// It may import cmd/postrider/manifest.
package migrate
