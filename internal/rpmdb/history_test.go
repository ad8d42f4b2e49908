package rpmdb

import (
	"bytes"
	"database/sql"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const dnf4Tables = `
CREATE TABLE trans (id INTEGER PRIMARY KEY AUTOINCREMENT, dt_begin INTEGER, dt_end INTEGER, before TEXT, after TEXT, releasever TEXT, user_id INTEGER, cmdline TEXT, state INTEGER);
CREATE TABLE trans_item (id INTEGER PRIMARY KEY AUTOINCREMENT, trans_id INTEGER, item_id INTEGER, repo_id INTEGER, action INTEGER, reason INTEGER, state INTEGER);
CREATE TABLE rpm (item_id INTEGER UNIQUE, name TEXT, epoch INTEGER, version TEXT, release TEXT, arch TEXT);
INSERT INTO rpm VALUES (1,'bash',0,'5.1','1.el9','x86_64'),(2,'bash',0,'5.2','1.el9','x86_64'),(3,'vim',2,'8','1','noarch'),(4,'old',0,'1','1','noarch');
INSERT INTO trans VALUES (7,1700000000,1700000009,'','','9',1000,'upgrade -y',1),(8,1700000100,NULL,'','','9',4294967295,NULL,0),(9,1700000200,1700000201,'','','9',-1,'',1);
INSERT INTO trans_item VALUES (1,7,2,1,6,2,1),(2,7,1,1,7,2,1),(3,8,3,1,1,2,1),(4,8,4,1,5,2,1),(5,9,3,1,8,2,1),(6,9,99,1,1,1,1),(7,6,1,1,1,1,1),(8,9,4,1,77,1,1);
`

const dnf5Tables = `
CREATE TABLE trans (id INTEGER, dt_begin INTEGER, dt_end INTEGER, before TEXT, after TEXT, releasever TEXT, user_id INTEGER, description TEXT, comment TEXT, state_id INTEGER, PRIMARY KEY(id AUTOINCREMENT));
CREATE TABLE trans_item (id INTEGER, trans_id INTEGER, item_id INTEGER, repo_id INTEGER, action_id INTEGER, reason_id INTEGER, state_id INTEGER, PRIMARY KEY(id AUTOINCREMENT));
CREATE TABLE rpm (item_id INTEGER NOT NULL UNIQUE, name_id INTEGER, epoch INTEGER, version TEXT, release TEXT, arch_id INTEGER);
CREATE TABLE pkg_names (id INTEGER, name TEXT UNIQUE, PRIMARY KEY(id));
CREATE TABLE archs (id INTEGER, name TEXT UNIQUE, PRIMARY KEY(id));
INSERT INTO pkg_names VALUES (1,'bash'),(2,'vim'),(3,'old');
INSERT INTO archs VALUES (1,'x86_64'),(2,'noarch');
INSERT INTO rpm VALUES (1,1,0,'5.1','1.el9',1),(2,1,0,'5.2','1.el9',1),(3,2,2,'8','1',2),(4,3,0,'1','1',2);
INSERT INTO trans VALUES (7,1700000000,1700000009,'','','9',1000,'upgrade -y','',2),(8,1700000100,NULL,'','','9',4294967295,NULL,'',1),(9,1700000200,1700000201,'','','9',-1,'','',2);
INSERT INTO trans_item VALUES (1,7,1,1,6,2,2),(2,7,2,1,2,2,2),(3,8,3,1,1,2,2),(4,8,4,1,6,2,2),(5,9,3,1,5,2,2),(6,9,99,1,1,1,1),(7,6,1,1,1,1,1),(8,9,4,1,77,1,1);
`

func makeDB(t testing.TB, path, script string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(script); err != nil {
		t.Fatal(err)
	}
}

func historyIn(dir, name string) ([]Transaction, error) {
	return History(func(n string) (File, error) { return openFile(filepath.Join(dir, n)) }, name)
}

func TestHistoryOfBothGenerations(t *testing.T) {
	at := func(s int64) time.Time { return time.Unix(1700000000+s, 0).UTC() }
	want := []Transaction{
		{ID: 7, Start: at(0), End: at(9), User: 1000, Command: "upgrade -y", Items: []Item{{"upgrade", "bash", "x86_64", "5.1-1.el9", "5.2-1.el9"}}},
		{ID: 8, Start: at(100), User: 4294967295, Items: []Item{{"install", "vim", "noarch", "", "2:8-1"}, {"remove", "old", "noarch", "1-1", ""}}},
		{ID: 9, Start: at(200), End: at(201), User: -1, Items: []Item{{"remove", "vim", "noarch", "2:8-1", ""}}},
	}
	for name, tables := range map[string]string{"history.sqlite": dnf4Tables, "transaction_history.sqlite": dnf5Tables} {
		dir := t.TempDir()
		makeDB(t, filepath.Join(dir, name), tables)
		got, err := historyIn(dir, name)
		if err != nil {
			t.Fatal(name, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Transaction{})); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	if _, err := historyIn(t.TempDir(), "history.sqlite"); err == nil {
		t.Error("a history that is not there was read")
	}
}

// A long history is read to its end, and only the newest of it is kept.
func TestHistoryIsBounded(t *testing.T) {
	dir := t.TempDir()
	makeDB(t, filepath.Join(dir, "h"), dnf4Tables+`DELETE FROM trans; DELETE FROM trans_item;
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 3000) INSERT INTO trans SELECT i, 1700000000+i, 1700000001+i, '', '', '9', 0, 'upgrade', 1 FROM n;
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 3000) INSERT INTO trans_item SELECT i, i, 2, 1, 6, 1, 1 FROM n;`)
	got, err := historyIn(dir, "h")
	if err != nil || len(got) != maxTransactions || got[len(got)-1].ID != 3000 || len(got[0].Items) != 1 {
		t.Fatalf("%d transactions, %v", len(got), err)
	}
}

// What dnf itself wrote.
func TestHistoryOfRealDNF(t *testing.T) {
	for _, tool := range []string{"dnf", "rpmbuild", "createrepo_c"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("SKIPPED: %s is not here", tool)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: dnf installs as root only")
	}
	dir := t.TempDir()
	repo, root := filepath.Join(dir, "b/RPMS/noarch"), filepath.Join(dir, "root")
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
	}
	for _, version := range []string{"1", "2"} {
		spec := filepath.Join(dir, "a.spec")
		text := "Name: fa\nVersion: " + version + "\nRelease: 1\nSummary: x\nLicense: x\nBuildArch: noarch\n%description\nx\n%files\n"
		if err := os.WriteFile(spec, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		run("rpmbuild", "--quiet", "-bb", "--define", "_topdir "+filepath.Join(dir, "b"), spec)
	}
	run("createrepo_c", "-q", repo)
	dnf := func(args ...string) {
		t.Helper()
		run("dnf", append([]string{"-q", "-y", "--installroot=" + root, "--releasever=9", "--setopt=reposdir=/dev/null", "--repofrompath=x," + repo, "--nogpgcheck"}, args...)...)
	}
	dnf("install", "fa-1")
	dnf("upgrade", "fa")
	dnf("remove", "fa")
	got, err := historyIn(filepath.Join(root, "var/lib/dnf"), "history.sqlite")
	if err != nil || len(got) != 3 {
		t.Fatalf("%+v %v", got, err)
	}
	want := []Item{{"install", "fa", "noarch", "", "1-1"}, {"upgrade", "fa", "noarch", "1-1", "2-1"}, {"remove", "fa", "noarch", "2-1", ""}}
	for i, g := range got {
		if diff := cmp.Diff([]Item{want[i]}, g.Items); diff != "" || !strings.Contains(g.Command, "--installroot="+root) || time.Since(g.End) > time.Hour {
			t.Errorf("%+v\n%s", g, diff)
		}
	}
}

func FuzzHistory(f *testing.F) {
	dir := f.TempDir()
	for _, tables := range []string{dnf4Tables, dnf5Tables} {
		path := filepath.Join(dir, "h.sqlite")
		makeDB(f, path, "PRAGMA page_size=512;"+tables)
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		if err := os.Remove(path); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = History(func(name string) (File, error) {
			if name != "h" {
				return nil, fs.ErrNotExist
			}
			return memory{bytes.NewReader(b)}, nil
		}, "h")
	})
}

const dnfLog = `2026-11-26T09:33:35+0000 INFO --- logging initialized ---
2026-11-26T09:33:36+0100 SUBDEBUG Installed: fa-1-1.noarch
2026-11-26T09:33:37+0000 SUBDEBUG Upgrade: perl-libs-4:5.32-1.el9.x86_64
2026-11-26T09:33:37+0000 SUBDEBUG Upgraded: perl-libs-4:5.30-1.el9.x86_64
2026-11-26T09:33:38+0000 SUBDEBUG Erase: fa-1-1.noarch
2026-11-26T09:33:38+0000 SUBDEBUG Erase: nonsense
`

func TestLogOfDNF(t *testing.T) {
	at := func(h, s int) time.Time { return time.Date(2026, 11, 26, h, 33, s, 0, time.UTC) }
	want := []Logged{{at(8, 36), Item{"install", "fa", "noarch", "", "1-1"}}, {at(9, 37), Item{"upgrade", "perl-libs", "x86_64", "4:5.30-1.el9", "4:5.32-1.el9"}},
		{at(9, 38), Item{"remove", "fa", "noarch", "1-1", ""}}}
	got, err := ParseLog(strings.NewReader(dnfLog + strings.Repeat("x", 3*maxLogLine) + "\n"))
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestPackageKit(t *testing.T) {
	dir := t.TempDir()
	makeDB(t, filepath.Join(dir, "transactions.db"), `CREATE TABLE transactions (transaction_id TEXT PRIMARY KEY, timespec TEXT, duration INTEGER, succeeded INTEGER DEFAULT 0, role TEXT, data TEXT, uid INTEGER DEFAULT 0, cmdline TEXT);
		INSERT INTO transactions VALUES ('/2','2026-11-26T10:00:00.5Z',9000,1,'update-packages','updating	bash;5.2;x86_64;baseos	shell
cleanup	bash;5.1;x86_64;installed	shell',1000,'gnome-software'),('/1','2026-11-25T10:00:00Z',10,1,'refresh-cache','',1000,''),('/0','nonsense',1,1,'x','updating	a;b',0,'');`)
	got, err := PackageKit(func(n string) (File, error) { return openFile(filepath.Join(dir, n)) }, "transactions.db")
	start := time.Date(2026, 11, 26, 10, 0, 0, 5e8, time.UTC)
	if diff := cmp.Diff([]Kit{{Start: start, End: start.Add(9 * time.Second), User: 1000, Role: "update-packages", Names: []string{"bash"}}}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func FuzzParseLog(f *testing.F) {
	f.Add([]byte(dnfLog))
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := ParseLog(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range out {
			if x.Name == "" || x.Arch == "" || x.From == "" && x.To == "" {
				t.Fatalf("%+v", x)
			}
		}
	})
}
