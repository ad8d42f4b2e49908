package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/fettle-project/fettle/internal/lab"
)

// The whole story with the data in a real PostgreSQL.
func TestPostgreSQL(t *testing.T) {
	needRoot(t)
	url := cluster(t)
	s := newSite(t, lab.WithStore(url))
	if left, _ := filepath.Glob(filepath.Join(s.Data(), "*.db*")); len(left) > 0 {
		t.Errorf("there is a database in the data directory too: %v", left)
	}
	s.cli("catalog", "sync")
	b := s.join("pg-1")
	ids := b.needs("xz-utils", "expat", "openssl")
	s.approve(ids...)
	plan, planned := s.plan(b)
	if want := slices.Sorted(slices.Values(ids)); !slices.Equal(planned, want) {
		t.Fatalf("the plan installs %v, and approved and needed are %v", planned, want)
	}
	s.ended(s.apply(plan)).verified(t)
	for _, id := range ids {
		if r := b.row(id); r.Verdict != "patched" || r.Effect != "verified" {
			t.Errorf("%+v", r)
		}
		says(t, s.cli("explain", "pg-1", id), "patched", "● verified by detect", "judged once more, give \"patched\" again")
	}
	s.cli("audit", "verify")

	t.Run("the server is killed and comes back", func(t *testing.T) {
		s := s.on(t)
		before := s.cli("machines", "rows", "pg-1", "--policy", "approved")
		if err := s.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := s.Serve(t.Context()); err != nil {
			t.Fatal(err)
		}
		if after := s.cli("machines", "rows", "pg-1", "--policy", "approved"); after != before {
			t.Errorf("before:\n%s\nafter:\n%s", before, after)
		}
	})
	t.Run("a second init leaves the store alone", func(t *testing.T) {
		says(t, refused(t, s.Command(t.Context(), "init", "--data", filepath.Join(s.dir, "second"), "--store", url, "--user", "nobody")), "it belongs to one already")
	})
}

// cluster runs Debian's own PostgreSQL as the user nobody until the test ends, on a unix socket only, and gives the address of a
// fresh database.
func cluster(t *testing.T) string {
	t.Helper()
	bins, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(bins) == 0 {
		t.Skip("SKIPPED: there is no PostgreSQL in /usr/lib/postgresql; install Debian's package postgresql")
	}
	slices.Sort(bins)
	bin, dir := filepath.Dir(bins[len(bins)-1]), openDir(t)
	run := func(program string, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(bin, program), args...)
		cmd.Dir, cmd.SysProcAttr = dir, nobody(t, dir)
		return cmd
	}
	if out, err := run("initdb", "-D", dir+"/data", "-U", "fettle", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v: %s", err, out)
	}
	var log output
	server := run("postgres", "-D", dir+"/data", "-k", dir, "-c", "listen_addresses=")
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGINT)
		_ = server.Wait()
	})
	create(t, fmt.Sprintf("postgres:///postgres?host=%s&user=fettle", dir), &log)
	return fmt.Sprintf("postgres:///fettle?host=%s&user=fettle", dir)
}

func nobody(t *testing.T, dir string) *syscall.SysProcAttr {
	t.Helper()
	who, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(who.Uid)
	gid, _ := strconv.Atoi(who.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

func create(t *testing.T, url string, log *output) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	for {
		c, err := pgx.Connect(ctx, url)
		if err == nil {
			if _, err = c.Exec(ctx, "CREATE DATABASE fettle"); err != nil {
				t.Fatal(err)
			}
			if err := c.Close(ctx); err != nil {
				t.Fatal(err)
			}
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("PostgreSQL does not answer: %v: %s", err, strings.TrimSpace(log.String()))
		}
		time.Sleep(50 * time.Millisecond)
	}
}
