package backup

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fettle-project/fettle/internal/patch"
)

func file(name string, b []byte) File {
	return File{name, int64(len(b)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }}
}

func hashed(folder string, b []byte) File {
	sum := sha256.Sum256(b)
	return file(folder+"/"+hex.EncodeToString(sum[:]), b)
}

const secret = "a secret that nobody may read"

func sample() []File {
	all := []File{file("fettle.toml", []byte("hosts = []\n")), file("fettle.db", []byte(strings.Repeat(secret, 100))), file("keys/catalog.key", []byte(secret)),
		hashed("catalogs", []byte("a list")), hashed("feeds", []byte("an index")), file("agents/fettle-agent-linux-amd64.deb", []byte("x"))}
	slices.SortFunc(all, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// rig is an appliance's key and who can read what it backs up.
type rig struct {
	key ed25519.PrivateKey
	id  *age.X25519Identity
}

func newRig(t testing.TB) rig {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	id, err2 := age.GenerateX25519Identity()
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return rig{key, id}
}

func (r rig) make(t testing.TB, files []File) []byte {
	t.Helper()
	var b bytes.Buffer
	m := Manifest{Version: "v1", At: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC), Counts: []Count{{"machines", 3}}}
	if err := Write(&b, m, files, []age.Recipient{r.id.Recipient()}, r.key, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (r rig) restore(b []byte, dir, signer string) error {
	in, err := Open(bytes.NewReader(b), []age.Identity{r.id}, signer)
	if err != nil {
		return err
	}
	defer in.Close()
	return in.Extract(dir, nil)
}

func TestRoundTrip(t *testing.T) {
	r := newRig(t)
	b, dir := r.make(t, sample()), t.TempDir()
	if bytes.Contains(b, []byte("secret")) || bytes.Contains(b, []byte("fettle.db")) {
		t.Error("the backup can be read without its key")
	}
	if err := r.restore(b, dir, Fingerprint(r.key.Public().(ed25519.PublicKey))); err != nil {
		t.Fatal(err)
	}
	for _, f := range sample() {
		in, _ := f.Open()
		want, _ := io.ReadAll(in)
		got, err := os.ReadFile(filepath.Join(dir, f.Name))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", f.Name, err, diff)
		}
		if st, err := os.Stat(filepath.Join(dir, f.Name)); err != nil || st.Mode().Perm()&0o077 != 0 && !strings.HasSuffix(f.Name, ".pem") {
			t.Errorf("%s is open to others: %v", f.Name, err)
		}
	}
}

// One byte anywhere, a cut anywhere, anything behind: refused.
func TestTamperedIsRefused(t *testing.T) {
	r := newRig(t)
	whole := r.make(t, sample())
	rapid.Check(t, func(x *rapid.T) {
		b, at := bytes.Clone(whole), rapid.IntRange(0, len(whole)-1).Draw(x, "at")
		switch rapid.IntRange(0, 2).Draw(x, "how") {
		case 0:
			b[at] ^= byte(rapid.IntRange(1, 255).Draw(x, "by"))
		case 1:
			b = b[:at]
		case 2:
			b = append(b, byte(at))
		}
		if err := r.restore(b, t.TempDir(), ""); err == nil {
			x.Fatal("a backup that was changed is restored")
		}
	})
}

// Whoever knows the recipient's key, which is public, can encrypt: only the appliance can sign.
func TestSwappedIsRefused(t *testing.T) {
	r, other := newRig(t), newRig(t)
	other.id = r.id
	ours := Fingerprint(r.key.Public().(ed25519.PublicKey))
	if err := r.restore(other.make(t, sample()), t.TempDir(), ours); patch.KindOf(err) != patch.Untrusted || !strings.Contains(err.Error(), "made it") {
		t.Errorf("another appliance's backup: %v", err)
	}
	// The names of one and the signature of the other.
	var plain bytes.Buffer
	if err := writePlain(&plain, Manifest{}, sample(), r.key, nil); err != nil {
		t.Fatal(err)
	}
	b := plain.Bytes()
	for _, at := range []int{len(b) - 1, len(b) - 64 - 3, len(magic) + 40} {
		bad := bytes.Clone(b)
		bad[at] ^= 1
		if err := drain(bad, ours); err == nil {
			t.Errorf("a stream whose byte %d was changed is believed", at)
		}
	}
	if err := drain(b, ours); err != nil {
		t.Error(err)
	}
}

func drain(plain []byte, signer string) error {
	in, err := openPlain(bytes.NewReader(plain), signer)
	if err != nil {
		return err
	}
	for {
		_, _, r, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			return err
		}
	}
}

func TestWrongPassphrase(t *testing.T) {
	r := newRig(t)
	to, err := Recipients("correct horse battery", nil)
	if err != nil {
		t.Fatal(err)
	}
	to[0].(*age.ScryptRecipient).SetWorkFactor(10)
	var b bytes.Buffer
	if err := Write(&b, Manifest{}, sample(), to, r.key, nil); err != nil {
		t.Fatal(err)
	}
	for passphrase, want := range map[string]string{"correct horse battery": "", "wrong horse battery": "the passphrase or the key is not the one"} {
		ids, err := Identities(passphrase, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Open(&b, ids, "")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || patch.KindOf(err) != patch.Unauthenticated) {
			t.Errorf("%q: %v", passphrase, err)
		}
		b.Reset()
		if err := Write(&b, Manifest{}, sample(), to, r.key, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Recipients("short", nil); patch.KindOf(err) != patch.Invalid {
		t.Errorf("a short passphrase: %v", err)
	}
}

// Names that leave the folder, and names that an appliance has not, are refused before anything is written under them.
func TestHostileNames(t *testing.T) {
	for _, name := range []string{"../fettle.db", "/etc/passwd", "keys/../../x.key", "keys/a/b.key", "feeds/x", "feeds/" + strings.Repeat("A", 64), "fettle.db/x", ".hidden",
		"keys/.key", "agents/../fettle-agent-x-y", "payloads/" + strings.Repeat("a", 65), "fettle.db\x00", "fettle.db\n", "C:\\x", "catalogs\\" + strings.Repeat("a", 64)} {
		if validName(name) {
			t.Errorf("%q is a name", name)
		}
		b := binary.BigEndian.AppendUint16(nil, uint16(len(name)))
		b = binary.BigEndian.AppendUint64(append(b, name...), 0)
		stream := append([]byte(magic), entry(manifestName, []byte(`{"files":1,"bytes":9,"signer":"`+strings.Repeat("A", 43)+`="}`))...)
		if err := drain(append(stream, b...), ""); patch.KindOf(err) != patch.Untrusted || !strings.Contains(err.Error(), "no appliance has") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func entry(name string, body []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(len(name)))
	b = binary.BigEndian.AppendUint64(append(b, name...), uint64(len(body)))
	return append(b, body...)
}

// A small file that would fill the disk ends early, in little memory.
func TestBomb(t *testing.T) {
	r := newRig(t)
	huge := File{"fettle.db", 512 << 20, func() (io.ReadCloser, error) { return io.NopCloser(io.LimitReader(zeros{}, 2<<30)), nil }}
	b := r.make(t, []File{huge})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	in, err := Open(bytes.NewReader(b), []age.Identity{r.id}, "")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	_, _, body, err := in.Next()
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, body)
	if runtime.ReadMemStats(&after); patch.KindOf(err) != patch.Exhausted && patch.KindOf(err) != patch.Untrusted || n > 1<<30 || after.HeapSys > before.HeapSys+64<<20 {
		t.Errorf("%d bytes out of %d, %d of memory: %v", n, len(b), int64(after.HeapSys)-int64(before.HeapSys), err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func FuzzRead(f *testing.F) {
	r := newRig(f)
	var plain bytes.Buffer
	if err := writePlain(&plain, Manifest{}, sample(), r.key, nil); err != nil {
		f.Fatal(err)
	}
	f.Add(plain.Bytes())
	f.Add([]byte(magic))
	good := plain.Bytes()
	ours := Fingerprint(r.key.Public().(ed25519.PublicKey))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := drain(b, ours); err == nil && !bytes.Equal(b, good) {
			t.Error("a stream that nobody signed is believed")
		}
	})
}
