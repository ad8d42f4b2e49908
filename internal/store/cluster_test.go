package store

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
)

// cluster is a PostgreSQL of the test run's own: in a temporary directory, on a unix socket only, as an unprivileged user.
type cluster struct {
	dir       string
	url       func(db string) string
	cmd       *exec.Cmd
	ended     chan struct{}
	mu        sync.Mutex
	number    int
	templated bool     // the template with all tables is made
	made      []string // databases to drop from a server that is not ours
}

// startCluster runs Debian's own PostgreSQL binaries.
// FETTLE_TEST_POSTGRES names another server to make the test databases on.
func startCluster() (*cluster, error) {
	if server := os.Getenv("FETTLE_TEST_POSTGRES"); server != "" {
		u, err := url.Parse(server)
		return &cluster{url: func(db string) string { v := *u; v.Path = "/" + db; return v.String() }}, err
	}
	bins, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(bins) == 0 {
		return nil, fmt.Errorf("no PostgreSQL in /usr/lib/postgresql: install Debian's package postgresql")
	}
	slices.Sort(bins)
	bin := filepath.Dir(bins[len(bins)-1])
	dir, err := os.MkdirTemp("", "fettle-pg-")
	if err != nil {
		return nil, err
	}
	c := &cluster{dir: dir, ended: make(chan struct{})}
	c.url = func(db string) string { return fmt.Sprintf("postgres:///%s?host=%s&user=fettle", db, dir) }
	who, err := unprivileged(dir)
	if err != nil {
		return nil, err
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "fettle", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync")
	initdb.SysProcAttr, initdb.Dir = who, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	c.cmd = exec.Command(filepath.Join(bin, "postgres"), "-D", filepath.Join(dir, "data"), "-k", dir, "-c", "listen_addresses=", "-c", "max_connections=200")
	c.cmd.SysProcAttr, c.cmd.Dir = who, dir
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	c.cmd.Stdout, c.cmd.Stderr = log, log
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { c.cmd.Wait(); close(c.ended) }()
	if err := c.await(); err != nil {
		return nil, err
	}
	return c, c.sync(false) // these tests end our side, never the server's
}

// unprivileged gives the directory to the user nobody where the test runs as root: PostgreSQL refuses to run as root.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Getuid() != 0 {
		return attr, nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil, err
	}
	uid, _ := strconv.Atoi(nobody.Uid)
	gid, _ := strconv.Atoi(nobody.Gid)
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr, os.Chown(dir, uid, gid)
}

func (c *cluster) await() error {
	db, err := sql.Open("pgx", c.url("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	for end := time.Now().Add(30 * time.Second); ; {
		if err = db.Ping(); err == nil {
			return nil
		}
		select {
		case <-c.ended:
			out, _ := os.ReadFile(filepath.Join(c.dir, "log"))
			return fmt.Errorf("PostgreSQL ended at once: %s", out)
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(end) {
			return err
		}
	}
}

// sync says whether commits wait for the disk; benchmarks want that.
func (c *cluster) sync(on bool) error {
	db, err := sql.Open("pgx", c.url("postgres"))
	if err != nil || c.cmd == nil {
		return err
	}
	defer db.Close()
	if _, err := db.Exec(fmt.Sprintf("ALTER SYSTEM SET fsync = %t", on)); err != nil {
		return err
	}
	_, err = db.Exec("SELECT pg_reload_conf()")
	return err
}

func (c *cluster) stop() {
	if c.cmd == nil {
		c.dropAll()
		return
	}
	c.cmd.Process.Signal(syscall.SIGINT)
	<-c.ended
	os.RemoveAll(c.dir)
}

func (c *cluster) dropAll() {
	db, err := sql.Open("pgx", c.url("postgres"))
	if err != nil {
		return
	}
	defer db.Close()
	for _, name := range c.made {
		db.Exec("DROP DATABASE " + name)
	}
}

// fresh makes a database from a template that is migrated once, and gives its address.
func (c *cluster) fresh(t testing.TB) string {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	template := fmt.Sprintf("t%d", os.Getpid())
	if !c.templated {
		c.templated = true
		c.create(t, template, "template0")
		s, err := Open(ctx, c.url(template), Options{})
		must(t, err)
		must(t, s.Close())
	}
	c.number++
	name := fmt.Sprintf("%s_%d", template, c.number)
	c.create(t, name, template)
	return c.url(name)
}

// empty makes a database without any table.
func (c *cluster) empty(t testing.TB) string {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.number++
	name := fmt.Sprintf("e%d_%d", os.Getpid(), c.number)
	c.create(t, name, "template0")
	return c.url(name)
}

func (c *cluster) create(t testing.TB, name, template string) {
	t.Helper()
	c.made = append(c.made, name)
	c.admin(t, "CREATE DATABASE "+name+" TEMPLATE "+template)
}

func (c *cluster) admin(t testing.TB, statement string) {
	t.Helper()
	db, err := sql.Open("pgx", c.url("postgres"))
	must(t, err)
	defer db.Close()
	_, err = db.ExecContext(context.Background(), statement)
	must(t, err)
}
