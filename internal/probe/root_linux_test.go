package probe

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

func ask(t *testing.T, m *Machine, class string, fields []string, entities ...item.Wanted) patch.Collected {
	t.Helper()
	return m.Probe(t.Context(), item.Request{Class: class, Entities: entities, Fields: fields})
}

func equals(name, value string) item.Wanted { return item.Wanted{Name: name, Values: []string{value}} }

func matches(name, value string) item.Wanted {
	return item.Wanted{Name: name, Operation: item.PatternMatch, Values: []string{value}}
}

// rooted is a directory with a machine, beside a secret that is none of it.
func rooted(t *testing.T) *Machine {
	t.Helper()
	top := t.TempDir()
	for name, text := range map[string]string{"secret/shadow": "root:x\n", "root/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "root/srv/data": "k=1\n"} {
		path := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"out": top + "/secret", "climb": "../../../../../../../.." + top + "/secret", "etc/file": top + "/secret/shadow",
		"in": "/srv", "etc/inside": "../../../../srv/data"} {
		if err := os.Symlink(to, filepath.Join(top, "root", name)); err != nil {
			t.Fatal(err)
		}
	}
	m, err := Open(top + "/root")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// A link in a directory with a machine means what it means to that machine, and never leads out.
func TestLinksStayInside(t *testing.T) {
	for _, old := range []bool{false, true} {
		m := rooted(t)
		if old {
			m.tree.fd = -1 // a kernel that cannot open inside a root: openat2 fails
			m.tree.old = true
		}
		for _, c := range []struct {
			w    []item.Wanted
			want int
		}{
			{[]item.Wanted{equals("path", "/out"), equals("filename", "shadow")}, 0},
			{[]item.Wanted{equals("path", "/climb"), equals("filename", "shadow")}, 0},
			{[]item.Wanted{equals("filepath", "/out/shadow")}, 0},
			{[]item.Wanted{equals("filepath", "/../secret/shadow")}, 0},
			{[]item.Wanted{equals("path", "/.."), equals("filename", "secret")}, 0},
			{[]item.Wanted{matches("filepath", "^/.*shadow$")}, 0},
			{[]item.Wanted{matches("path", "^/(out|climb)"), matches("filename", ".")}, 0},
			{[]item.Wanted{matches("filepath", "^/.*passwd$")}, 1},
			{[]item.Wanted{matches("filepath", "^/etc/inside$")}, 1},
		} {
			if got := ask(t, m, "file", nil, c.w...); len(got.Items) != c.want {
				t.Errorf("old %v: %v gives %+v", old, c.w, got)
			}
			if got := ask(t, m, "textfilecontent54", nil, append(c.w, matches("pattern", "x"))...); strings.Contains(got.Message+m.texts["/etc/file"], "root:x\n") {
				t.Errorf("%+v", got)
			}
		}
		if got := ask(t, m, "textfilecontent54", []string{"text"}, equals("filepath", "/etc/file"), matches("pattern", "root")); got.Flag == patch.FlagComplete || len(got.Items) > 0 && got.Items[0].Status == "" {
			t.Errorf("old %v: the secret is read: %+v", old, got)
		}
		inside := ask(t, m, "textfilecontent54", []string{"text"}, equals("path", "/in"), equals("filename", "data"), matches("pattern", "^k"))
		if len(inside.Items) != 1 && !old {
			t.Errorf("a link with a path of the machine's own is not followed: %+v", inside)
		}
	}
}

func TestPartial(t *testing.T) {
	for _, c := range []struct {
		expr, path string
		want       bool
	}{
		{"^/etc/ssh/.*$", "/etc/", true}, {"^/etc/ssh/.*$", "/etc/ssh/x/", true}, {"^/etc/ssh/.*$", "/usr/", false}, {"^/etc$", "/etc/", false},
		{"^/etc", "/etc/x/", true}, {"/etc/x", "/usr/", false}, {"^/(a|b/c)/d", "/b/", true}, {"^/(a|b/c)/d", "/b/d/", false}, {".*x", "/q/", true},
		{"^/home/[^/]+/x$", "/home/me/", true}, {"^/home/[^/]+/x$", "/home/me/y/", false}, {"^/a(?=b)b/c", "/x/", false}, {"^/a(?=b)b/c", "/ab/", true}, {"(", "/x/", true},
	} {
		if got := newPartial(c.expr).leads(c.path); got != c.want {
			t.Errorf("%s at %s: %v", c.expr, c.path, got)
		}
	}
}

// What a pattern matches is never pruned on the way to it.
func FuzzPartial(f *testing.F) {
	f.Add("^/etc/(a|b)[^/]+/c$", "/etc/ax/c")
	f.Fuzz(func(t *testing.T, expr, path string) {
		p, err := item.CompilePattern("^(?:"+expr+")", item.PatternOptions{})
		if err != nil || !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "\n\r") || strings.ContainsAny(expr, `\$?`) {
			return
		}
		if ok, err := p.Match(path); err != nil || !ok {
			return
		}
		prune := newPartial(expr)
		for i := range path {
			if path[i] == '/' && i > 0 && !prune.leads(path[:i]) {
				t.Errorf("%q matches %q and is pruned at %q", expr, path, path[:i])
			}
		}
	})
}

func BenchmarkFiles(b *testing.B) {
	m, err := Open("/")
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	list, err := os.ReadDir("/usr/share/doc")
	if err != nil {
		b.Fatal(err)
	}
	var all []item.Request
	for i := range 10_000 {
		all = append(all, item.Request{Class: "file", Entities: []item.Wanted{equals("path", "/usr/share/doc/"+list[i%len(list)].Name()), equals("filename", "copyright")}})
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range all {
			m.Probe(b.Context(), r)
		}
	}
}

func TestRunlevelsAndAccounts(t *testing.T) {
	top := t.TempDir()
	for name, text := range map[string]string{"etc/rc3.d/S01cron": "", "etc/rc3.d/K02cron": "", "etc/rc3.d/K05atd": "", "etc/rc3.d/README": "", "etc/rc.d/rc5.d/S10atd": "",
		"etc/passwd": "me:x:5:6:Me,,:/home/me:/bin/zsh\nbad line\n+nis::0:0:::\ntwo:y:1:2\n"} {
		path := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m, err := Open(top)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	show := func(c patch.Collected) string {
		s := string(c.Flag)
		for _, it := range c.Items {
			s += ";"
			for _, f := range it.Fields {
				s += " " + f.Value
			}
		}
		return s
	}
	every := []string{item.Every}
	for want, got := range map[string]patch.Collected{
		"complete; cron 3 true true; atd 3 false true; atd 5 true false":        ask(t, m, "runlevel", every, matches("service_name", "."), matches("runlevel", ".")),
		"complete; cron 3 true true":                                            ask(t, m, "runlevel", every, equals("service_name", "cron"), equals("runlevel", "3")),
		"does not exist":                                                        ask(t, m, "runlevel", every, equals("service_name", "cron"), equals("runlevel", "5")),
		"complete; me x 5 6 Me,, /home/me /bin/zsh; +nis  0 0   ; two y 1 2   ": ask(t, m, "password", every, matches("username", ".")),
		"complete; me": ask(t, m, "password", nil, equals("username", "me")),
	} {
		if show(got) != want {
			t.Errorf("%q and not %q", show(got), want)
		}
	}
}

func FuzzParseSocket(f *testing.F) {
	f.Add("   0: 00000000:07E8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1060 1 0 100 0 0 10 0")
	f.Fuzz(func(t *testing.T, l string) {
		if s, ok := parseSocket("tcp", l); ok && !s.local.IsValid() {
			t.Errorf("%q: %+v", l, s)
		}
	})
}
