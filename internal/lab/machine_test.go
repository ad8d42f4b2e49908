package lab

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// minimal gives the kept minimal root, or skips where none can be made.
func minimal(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: machines need root")
	}
	archive, err := ReadArchive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	base, err := MakeRoot(t.Context(), CacheDir(), archive, RootSpec{Release: "bookworm"})
	if err != nil {
		t.Fatal(err)
	}
	return base
}

func TestMachineIsItsOwn(t *testing.T) {
	base := minimal(t)
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("hello")) }))
	defer outside.Close()
	m, err := Start(t.Context(), Spec{Base: base, Dir: t.TempDir(), Hostname: "web-1",
		Forward: map[int]string{8461: strings.TrimPrefix(outside.URL, "http://")}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Stop()
	for _, c := range []struct {
		argv []string
		want string
	}{
		{[]string{"hostname"}, "web-1"},
		{[]string{"cat", "/proc/sys/kernel/random/boot_id"}, m.BootID()},
		{[]string{"sh", "-c", "ls -A /sys | wc -l"}, "0"},
		{[]string{"sh", "-c", "awk '/lo:/{n++} END{print NR-2, n}' /proc/net/dev"}, "1 1"},
	} {
		out, err := m.Exec(t.Context(), c.argv...)
		if err != nil {
			t.Errorf("%v: %v", c.argv, err)
		}
		if got := strings.TrimSpace(string(out)); got != c.want {
			t.Errorf("%v: got %q, want %q", c.argv, got, c.want)
		}
	}
	out, err := m.Exec(t.Context(), "perl", "-MIO::Socket::INET", "-e",
		`my $s = IO::Socket::INET->new("127.0.0.1:8461") or die "no"; print $s "GET / HTTP/1.0\r\n\r\n"; print <$s>;`)
	if err != nil || !bytes.HasSuffix(out, []byte("hello")) {
		t.Errorf("the forwarded port: %q, %v", out, err)
	}
	host, _, _ := net.SplitHostPort(strings.TrimPrefix(outside.URL, "http://"))
	if _, err := m.Exec(t.Context(), "perl", "-MIO::Socket::INET", "-e",
		`IO::Socket::INET->new("`+host+`:22") or die "no"`); err == nil {
		t.Error("a port that is not forwarded can be reached")
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	base := minimal(t)
	dir := t.TempDir()
	m, err := Start(t.Context(), Spec{Base: base, Dir: dir, Hostname: "gone", Argv: []string{"sleep", "600"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Exec(t.Context(), "touch", "/root/kept"); err != nil {
		t.Fatal(err)
	}
	m.Stop()
	mounts, _ := os.ReadFile("/proc/self/mounts")
	if bytes.Contains(mounts, []byte(dir)) {
		t.Errorf("mounts under %s are left: %s", dir, mounts)
	}
	if out, err := exec.Command("pgrep", "-f", dir).Output(); err == nil {
		t.Errorf("processes are left: %s", out)
	}
	if _, err := os.Stat(filepath.Join(dir, "upper/root/kept")); err != nil {
		t.Errorf("the machine's disk is not kept: %v", err)
	}
}
