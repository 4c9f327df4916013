// Package watch tells when what files hold has changed: written, replaced, or
// swapped by a symbolic link, as Kubernetes does with mounted secrets.
//
// A change is told once it has settled, and only where the bytes differ. What
// the system does not tell of (network file systems) is found within a minute.
// Files that are not there yet are watched too.
//
// It is the one door to fsnotify.
package watch
