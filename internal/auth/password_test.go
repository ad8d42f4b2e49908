package auth

import (
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// cheap is a cost for tests only.
var cheap = Cost{MemoryKiB: 64, Passes: 1, Lanes: 1}

func TestPasswordHash(t *testing.T) {
	a, b := HashPassword("correct horse battery", cheap), HashPassword("correct horse battery", cheap)
	if a == b {
		t.Error("two hashes of one password are equal: there is no salt")
	}
	if !strings.HasPrefix(HashPassword("x", DefaultCost()), "$argon2id$v=19$m=65536,t=3,p=4$") {
		t.Error("the default cost is not RFC 9106's")
	}
	if !VerifyPassword("correct horse battery", a) || VerifyPassword("correct horse batterz", a) || VerifyPassword("", a) {
		t.Error("verification is wrong")
	}
	for _, bad := range []string{"", "x", "$argon2id$v=19$m=64,t=1,p=1$$", "$argon2i$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
		"$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA", "$argon2id$v=19$m=64,t=0,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"} {
		if VerifyPassword("", bad) || VerifyPassword("x", bad) {
			t.Errorf("the hash %q verifies", bad)
		}
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add(HashPassword("x", cheap))
	f.Add("$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA")
	f.Fuzz(func(t *testing.T, phc string) {
		c, salt, key, err := parsePHC(phc)
		if err == nil && (c.MemoryKiB > 1<<20 || c.Passes > 32 || len(salt) < 8 || len(key) < 16) {
			t.Errorf("%q gives %+v", phc, c)
		}
	})
}

func TestCheckPassword(t *testing.T) {
	for password, ok := range map[string]bool{
		"": false, "short": false, "aaaaaaaaaaaaaaaa": false, "alice-alice-1": false, "correct horse battery": true,
		"äöüäöüäöüäö": false, "äöüäöüäöüäöü": true, strings.Repeat("ab", 600): false,
	} {
		if err := CheckPassword("alice", password); (err == nil) != ok {
			t.Errorf("%q: %v", password, err)
		} else if err != nil && patch.KindOf(err) != patch.Invalid {
			t.Errorf("%q is %s", password, patch.KindOf(err))
		}
	}
}
