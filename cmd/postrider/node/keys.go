package node

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/postrider/postrider/config"
	"github.com/postrider/postrider/transport/api"
)

// Keys are a node's secrets: the key of the API's tokens and the one that
// seals what is at rest.
type Keys struct {
	auth   []byte
	master []byte
	// previous is the master key before, or empty.
	previous []byte
}

// Files that a development node keeps in its data folder, with mode 0600.
const (
	// AuthKeyFile holds the key of the API's tokens: 64 hex digits, used as they
	// stand, so that the file's text is also what auth.secret would be set to.
	AuthKeyFile   = "auth.key"
	MasterKeyFile = "master.key"
	// AdminTokenFile holds a token for this machine's user.
	AdminTokenFile = "admin.token"
)

// LoadKeys takes the keys from the settings; a development node makes what is
// not set, keeps it in its data folder and sets it.
func LoadKeys(c *config.Config) (*Keys, error) {
	if c.Dev {
		for file, key := range map[string]*config.Secret{AuthKeyFile: &c.Auth.Secret, MasterKeyFile: &c.MasterKey} {
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
	return keysOf(c)
}

// keysOf are the keys as they are set.
func keysOf(c *config.Config) (*Keys, error) {
	master, err := c.MasterKeyBytes()
	if err != nil {
		return nil, err
	}
	previous, err := c.MasterKeyPreviousBytes()
	if err != nil {
		return nil, err
	}
	return &Keys{auth: []byte(c.Auth.Secret.Reveal()), master: master, previous: previous}, nil
}

// adminTokenTTL is how long a development node's own token holds; each start
// makes another.
const adminTokenTTL = 30 * 24 * time.Hour

// LeaveAdminToken puts a token for this machine's user into the data folder.
func (k *Keys) LeaveAdminToken(data string) error {
	token, err := k.adminToken()
	if err != nil {
		return err
	}
	return WritePrivate(filepath.Join(data, AdminTokenFile), token+"\n")
}

func (k *Keys) adminToken() (string, error) {
	return api.MintToken(k.auth, "", []string{api.RoleAdmin, api.RoleOperator}, adminTokenTTL, time.Now())
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
	return key, WritePrivate(path, key+"\n")
}

// WritePrivate writes a file that its owner alone may read.
func WritePrivate(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("data folder: %w; give another with --data", err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("data folder: %w; give another with --data", err)
	}
	return os.Chmod(path, 0o600)
}
