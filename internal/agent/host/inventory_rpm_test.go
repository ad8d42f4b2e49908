package host

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/google/go-cmp/cmp"
)

// rpmHistory is a machine whose history has every kind of hand.
const rpmHistory = `
CREATE TABLE trans (id INTEGER PRIMARY KEY AUTOINCREMENT, dt_begin INTEGER, dt_end INTEGER, before TEXT, after TEXT, releasever TEXT, user_id INTEGER, cmdline TEXT, state INTEGER);
CREATE TABLE trans_item (id INTEGER PRIMARY KEY AUTOINCREMENT, trans_id INTEGER, item_id INTEGER, repo_id INTEGER, action INTEGER, reason INTEGER, state INTEGER);
CREATE TABLE rpm (item_id INTEGER UNIQUE, name TEXT, epoch INTEGER, version TEXT, release TEXT, arch TEXT);
INSERT INTO rpm VALUES (1,'bash',0,'1','1','x86_64'),(2,'curl',0,'1','1','x86_64'),(3,'vim',0,'1','1','x86_64'),(4,'perl',0,'1','1','x86_64'),(5,'sed',0,'1','1','x86_64'),(6,'gawk',0,'1','1','x86_64');
INSERT INTO trans VALUES (1,1795600000,1795600001,'','','9',1000,'install bash',1),(2,1795600100,1795600101,'','','9',-1,'',1),(3,1795600200,1795600201,'','','9',-1,'',1),
 (4,1795600300,1795600301,'','','9',-1,'-y upgrade',1),(5,1795600400,1795600401,'','','9',0,'-y --setopt=x=/var/lib/fettle-agent/rpm upgrade',1),(6,1795600500,1795600501,'','','9',4242,'upgrade',1);
INSERT INTO trans_item SELECT item_id, item_id, item_id, 1, 6, 1, 1 FROM rpm;
`

func makeDB(t *testing.T, path, script string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(script); err != nil {
		t.Fatal(err)
	}
}

func TestWhoChangedAnRPMMachine(t *testing.T) {
	root := makeTree(t, map[string]string{"etc/passwd": "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nbroken\n"})
	makeDB(t, filepath.Join(root, "var/lib/dnf/history.sqlite"), rpmHistory)
	makeDB(t, filepath.Join(root, "var/lib/PackageKit/transactions.db"), `CREATE TABLE transactions (transaction_id TEXT PRIMARY KEY, timespec TEXT, duration INTEGER, succeeded INTEGER, role TEXT, data TEXT, uid INTEGER, cmdline TEXT);
		INSERT INTO transactions VALUES ('/1','2026-11-25T09:49:58Z',3000,1,'update-packages','updating	vim;1-1;x86_64;baseos	an editor',1000,'');`)
	var got []string
	for _, c := range readChanges(context.Background(), root) {
		got = append(got, fmt.Sprintf("%s %s: %s|%s|%s", c.Action, c.Name, c.By, c.Who, c.Evidence))
	}
	const db = "/var/lib/dnf/history.sqlite: transaction "
	want := []string{
		"upgrade gawk: dnf upgrade by user 4242|person|" + db + "6: upgrade",
		"upgrade sed: fettle|fettle|" + db + "5: -y --setopt=x=/var/lib/fettle-agent/rpm upgrade",
		"upgrade perl: dnf -y upgrade||" + db + "4: -y upgrade",
		"upgrade vim: packagekit|service|" + db + "3; /var/lib/PackageKit/transactions.db: update-packages for ann (1000)",
		"upgrade curl: dnf-automatic|service|" + db + "2; neither a command line nor a login",
		"upgrade bash: dnf install bash by ann (1000)|person|" + db + "1: install bash",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if err := os.WriteFile(filepath.Join(root, "var/lib/dnf/history.sqlite"), []byte("SQLite format 3\x00 and no more"), 0o644); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(root, "var/log/dnf.rpm.log")
	if err := os.MkdirAll(filepath.Dir(log), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(log, []byte("2026-11-26T09:33:37+0000 SUBDEBUG Upgrade: fa-2-1.noarch\n2026-11-26T09:33:37+0000 SUBDEBUG Upgraded: fa-1-1.noarch\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if c := readChanges(context.Background(), root); len(c) != 1 || c[0].Name != "fa" || c[0].From != "1-1" || c[0].To != "2-1" || c[0].By != "" {
		t.Errorf("from the log alone: %+v", c)
	}
}

// What dnf-automatic itself leaves behind: its own program runs, over another root and without signatures.
func TestRealAutomaticIsNamed(t *testing.T) {
	for _, tool := range []string{"dnf", "rpmbuild", "createrepo_c", "/usr/bin/python3"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("SKIPPED: %s is not here", tool)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: dnf installs as root only")
	}
	dir := t.TempDir()
	root, repo := filepath.Join(dir, "root"), filepath.Join(dir, "b/RPMS/noarch")
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
	}
	for _, version := range []string{"1", "2"} {
		text := "Name: fa\nVersion: " + version + "\nRelease: 1\nSummary: x\nLicense: x\nBuildArch: noarch\n%description\nx\n%files\n"
		if err := os.WriteFile(filepath.Join(dir, "a.spec"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		run("rpmbuild", "--quiet", "-bb", "--define", "_topdir "+filepath.Join(dir, "b"), filepath.Join(dir, "a.spec"))
	}
	run("createrepo_c", "-q", repo)
	run("dnf", "-q", "-y", "--installroot="+root, "--releasever=9", "--setopt=reposdir=/dev/null", "--repofrompath=x,"+repo, "--nogpgcheck", "install", "fa-1")
	for name, text := range map[string]string{
		"repos/x.repo": "[x]\nname=x\nbaseurl=file://" + repo + "\ngpgcheck=0\n",
		"auto.conf": "[commands]\nrandom_sleep = 0\nnetwork_online_timeout = 0\napply_updates = yes\n[emitters]\nemit_via = stdio\n[base]\ninstallroot=" + root +
			"\nreposdir=" + dir + "/repos\ncachedir=" + dir + "/cache\npersistdir=" + root + "/var/lib/dnf\nlogdir=" + root + "/var/log\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run("/usr/bin/python3", "-c", "import sys, dnf, dnf.rpm, dnf.automatic.main as m\ndnf.rpm.detect_releasever = lambda root: '9'\n"+
		"dnf.Base.package_signature_check = lambda self, pkg: (0, '')\nsys.exit(m.main([sys.argv[1]]))", filepath.Join(dir, "auto.conf"))
	got := readChanges(context.Background(), root)
	if len(got) != 2 || got[0].By != "dnf-automatic" || got[0].Who != "service" || got[0].From != "1-1" || got[0].To != "2-1" || !strings.HasPrefix(got[1].By, "dnf -q -y") {
		t.Errorf("%+v", got)
	}
}
