package notify

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"log/slog"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Secret is text that shows itself nowhere: not in logs, not as JSON, not by fmt.
type Secret string

const hidden = "[secret]"

// String hides the secret.
func (Secret) String() string { return hidden }

// GoString hides the secret.
func (Secret) GoString() string { return hidden }

// LogValue hides the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON hides the secret.
func (Secret) MarshalJSON() ([]byte, error) { return json.Marshal(hidden) }

// secrets is what is kept sealed about a channel.
type secrets struct {
	url Secret // of everything but mail
	key Secret // a webhook's signing key, or the mail server's password
}

// open is secrets as they are inside the seal, and nowhere else.
type open struct {
	URL string `json:"url,omitempty"`
	Key string `json:"key,omitempty"`
}

// Sealer keeps channels' secrets in a form that a copy of the database does not give away.
type Sealer struct{ aead cipher.AEAD }

// NewSealer makes one from a key of 32 bytes.
func NewSealer(key []byte) (Sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return Sealer{}, patch.Errorf(patch.Internal, "cannot seal secrets: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return Sealer{}, patch.Errorf(patch.Internal, "cannot seal secrets: %w", err)
	}
	return Sealer{aead}, nil
}

// seal binds the secrets to their channel's name: moved to another row they do not open.
func (s Sealer) seal(channel string, x secrets) ([]byte, error) {
	if x == (secrets{}) {
		return []byte{}, nil
	}
	b, err := json.Marshal(open{string(x.url), string(x.key)})
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot seal the secrets of %s: %w", channel, err)
	}
	return s.aead.Seal(nil, nil, b, []byte(channel)), nil
}

func (s Sealer) open(channel string, sealed []byte) (secrets, error) {
	if len(sealed) == 0 {
		return secrets{}, nil
	}
	var in open
	b, err := s.aead.Open(nil, nil, sealed, []byte(channel))
	if err == nil {
		err = json.Unmarshal(b, &in)
	}
	if err != nil {
		return secrets{}, &patch.Error{Kind: patch.Untrusted, What: phrase.Of("cannot open what is kept secret about the channel {1}", channel),
			Why: "it was sealed with other keys than this appliance's", Do: "Give its address and its password or key again."}
	}
	return secrets{Secret(in.URL), Secret(in.Key)}, nil
}
