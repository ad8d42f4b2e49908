package backup

import (
	"io"
	"strings"

	"filippo.io/age"

	"github.com/fettle-project/fettle/internal/patch"
)

// minPassphrase is as short as a passphrase may be, in characters: whoever has the file may try for ever.
const minPassphrase = 12

// Recipients are who can open a backup: who knows the passphrase, or else whoever has a key to one of the public keys ("age1…").
func Recipients(passphrase string, keys []string) ([]age.Recipient, error) {
	if passphrase != "" {
		if len([]rune(passphrase)) < minPassphrase {
			return nil, &patch.Error{Kind: patch.Invalid, What: "the passphrase is too short", Why: "whoever has the file may try for ever", Do: "Take at least 12 characters."}
		}
		r, err := age.NewScryptRecipient(passphrase)
		if err != nil {
			return nil, patch.Errorf(patch.Invalid, "cannot use the passphrase: %w", err)
		}
		return []age.Recipient{r}, nil
	}
	all, err := age.ParseRecipients(strings.NewReader(strings.Join(keys, "\n")))
	if err != nil {
		return nil, &patch.Error{Kind: patch.Invalid, What: "cannot use the recipients", Err: err, Do: "Give public keys as age-keygen prints them: age1…"}
	}
	return all, nil
}

// Identities are what opens a backup: a passphrase, or the keys in a file of age-keygen's.
func Identities(passphrase string, keys io.Reader) ([]age.Identity, error) {
	if keys != nil {
		all, err := age.ParseIdentities(io.LimitReader(keys, 1<<20))
		if err != nil {
			return nil, &patch.Error{Kind: patch.Invalid, What: "cannot use the key file", Err: err, Do: "Give the file that age-keygen made."}
		}
		return all, nil
	}
	i, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, patch.Errorf(patch.Invalid, "cannot use the passphrase: %w", err)
	}
	return []age.Identity{i}, nil
}
