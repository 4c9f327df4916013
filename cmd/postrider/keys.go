package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/postrider/postrider/config"
)

// nodeKeys are a node's secrets: the key of the API's tokens and the one that
// seals what is at rest.
type nodeKeys struct {
	auth   []byte
	master []byte
	// previous is the master key before, or empty.
	previous []byte
}

// masterKeyFile is beside authKeyFile in a development node's data folder,
// both with mode 0600.
const masterKeyFile = "master.key"

// loadKeys takes the keys from the settings; a development node makes what is
// not set, keeps it in its data folder and sets it.
func loadKeys(c *config.Config) (*nodeKeys, error) {
	if c.Dev {
		for file, key := range map[string]*config.Secret{authKeyFile: &c.Auth.Secret, masterKeyFile: &c.MasterKey} {
			if *key != "" {
				continue
			}
			kept, err := keptKey(filepath.Join(c.Data, file))
			if err != nil {
				return nil, err
			}
			*key = config.Secret(kept)
		}
	}
	master, err := c.MasterKeyBytes()
	if err != nil {
		return nil, err
	}
	previous, err := c.MasterKeyPreviousBytes()
	if err != nil {
		return nil, err
	}
	return &nodeKeys{auth: []byte(c.Auth.Secret.Reveal()), master: master, previous: previous}, nil
}

// keptKey reads a key file, or makes one of 32 random bytes in hex.
func keptKey(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("key file %s: %w; mend its permissions, or remove it to have another made", path, err)
	}
	fresh := make([]byte, 32)
	rand.Read(fresh) // never fails, by its contract
	key := hex.EncodeToString(fresh)
	return key, writePrivate(path, key+"\n")
}

// writePrivate writes a file that its owner alone may read.
func writePrivate(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("data folder: %w; give another with --data", err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("data folder: %w; give another with --data", err)
	}
	return os.Chmod(path, 0o600)
}
