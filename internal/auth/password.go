package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Cost is what one password hash costs: argon2id's parameters.
type Cost struct {
	MemoryKiB uint32
	Passes    uint32
	Lanes     uint8
}

// DefaultCost is RFC 9106's second recommendation: 64 MiB, 3 passes, 4 lanes.
func DefaultCost() Cost { return Cost{MemoryKiB: 64 << 10, Passes: 3, Lanes: 4} }

const (
	saltLen     = 16
	keyLen      = 32
	minPassword = 12
	maxPassword = 1024
)

// HashPassword gives a PHC string: $argon2id$v=19$m=65536,t=3,p=4$salt$hash.
func HashPassword(password string, c Cost) string {
	salt := make([]byte, saltLen)
	rand.Read(salt)
	return phcOf(c, salt, argon2.IDKey([]byte(password), salt, c.Passes, c.MemoryKiB, c.Lanes, keyLen))
}

// nobodysHash is of no password, and costs who tries one against it what a real one costs.
func nobodysHash(c Cost) string {
	salt, key := make([]byte, saltLen), make([]byte, keyLen)
	rand.Read(salt)
	rand.Read(key)
	return phcOf(c, salt, key)
}

func phcOf(c Cost, salt, key []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.MemoryKiB, c.Passes, c.Lanes, encode(salt), encode(key))
}

func encode(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }

// VerifyPassword compares in constant time. A hash that cannot be read verifies nothing.
func VerifyPassword(password, phc string) bool {
	c, salt, want, err := parsePHC(phc)
	if err != nil || len(password) > maxPassword {
		return false
	}
	got := argon2.IDKey([]byte(password), salt, c.Passes, c.MemoryKiB, c.Lanes, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1
}

func parsePHC(phc string) (c Cost, salt, key []byte, err error) {
	parts := strings.Split(phc, "$")
	bad := patch.Errorf(patch.Internal, "a password hash cannot be read")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, bad
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.MemoryKiB, &c.Passes, &c.Lanes); err != nil {
		return c, nil, nil, bad
	}
	if c.MemoryKiB < 8 || c.MemoryKiB > 1<<20 || c.Passes < 1 || c.Passes > 32 || c.Lanes < 1 {
		return c, nil, nil, bad
	}
	salt, errSalt := base64.RawStdEncoding.DecodeString(parts[4])
	key, errKey := base64.RawStdEncoding.DecodeString(parts[5])
	if errSalt != nil || errKey != nil || len(salt) < 8 || len(key) < 16 || len(key) > 64 {
		return c, nil, nil, bad
	}
	return c, salt, key, nil
}

// CheckPassword says why a password cannot be taken.
func CheckPassword(name, password string) error {
	var why phrase.Phrase
	switch {
	case len([]rune(password)) < minPassword:
		why = phrase.Format("it has fewer than %d characters", minPassword)
	case len(password) > maxPassword:
		why = phrase.Format("it has more than %d bytes", maxPassword)
	case strings.Contains(strings.ToLower(password), strings.ToLower(name)):
		why = "it contains the name"
	case strings.Count(password, password[:1]) == len(password):
		why = "it is one character repeated"
	default:
		return nil
	}
	return &patch.Error{Kind: patch.Invalid, What: "cannot take this password", Why: why, Do: "Several words with spaces make a good one."}
}
