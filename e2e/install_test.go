package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/lab"
)

// barn is a real Debian machine without an agent, with some more packages, that reaches the appliance where its one-liners say.
func (s *site) barn(name string, more ...string) *lab.Machine {
	s.t.Helper()
	archive, err := lab.ReadArchive(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	root := lab.Small(release)
	if more != nil {
		root = lab.RootSpec{Release: release, Include: more}
	}
	base, err := lab.MakeRoot(s.t.Context(), lab.CacheDir(), archive, root)
	if err != nil {
		s.t.Fatal(err)
	}
	_, text, err := net.SplitHostPort(s.Agents)
	if err != nil {
		s.t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		s.t.Fatal(err)
	}
	m, err := lab.Start(s.t.Context(), lab.Spec{Base: base, Dir: filepath.Join(openDir(s.t), name), Hostname: name, Forward: map[int]string{port: s.Agents}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(m.Stop)
	return m
}

// types has a person's shell on a machine read a line.
func types(t *testing.T, m *lab.Machine, text string) (string, error) {
	t.Helper()
	cmd := m.Command(t.Context(), "sh", "-s")
	cmd.Stdin = strings.NewReader("cd /root\n" + text + "\n")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// onlooker notes whether a text is ever in any process's arguments or environment's names on this machine or those inside it.
func onlooker(t *testing.T, secret string) (seen func() string) {
	ctx, stop := context.WithCancel(t.Context())
	var where string
	var all sync.WaitGroup
	all.Go(func() {
		for ctx.Err() == nil {
			files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
			for _, f := range files {
				if b, err := os.ReadFile(f); err == nil && bytes.Contains(b, []byte(secret)) {
					where = string(bytes.ReplaceAll(b, []byte{0}, []byte(" ")))
				}
			}
			time.Sleep(2 * time.Millisecond)
		}
	})
	return func() string { stop(); all.Wait(); return where }
}

// One line, pasted on a fresh machine, brings the agent there, enrols it and makes it a service; nobody sees the token; pasted again it
// changes nothing; and the machine can be given back as it was.
func TestOneLineInstallsTheAgent(t *testing.T) {
	needRoot(t)
	s := newShed(t)
	m := s.barn("fresh")
	var made struct {
		Token   string
		Install struct{ Linux string }
	}
	s.json(&made, "tokens", "add", "first", "--admit", "--uses", "2")
	secret := strings.Split(made.Token, ".")[1]

	wrong := strings.Replace(made.Install.Linux, "echo '", "echo '0", 1)
	if out, err := types(t, m, wrong); err == nil || strings.Contains(out, "installed as") {
		t.Errorf("a script with another hash was run: %v: %s", err, out)
	}
	seen := onlooker(t, secret)
	started := time.Now()
	out, err := types(t, m, made.Install.Linux)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("installed and enrolled in %s", time.Since(started).Round(10*time.Millisecond))
	if where := seen(); where != "" {
		t.Errorf("the token is in the list of processes: %s", where)
	}
	says(t, out, "the agent is installed as /usr/local/bin/fettle-agent", "Enrolled as", "No service manager runs here")
	says(t, s.cli("machines"), "fresh")
	for _, f := range []string{"/etc/systemd/system/fettle-agent.service", "/var/lib/fettle-agent/identity.json"} {
		if _, err := m.Exec(t.Context(), "test", "-e", f); err != nil {
			t.Errorf("%s is not there", f)
		}
	}
	if b, err := m.Exec(t.Context(), "grep", "-rl", secret, "/root", "/tmp", "/var/lib/fettle-agent", "/etc"); err == nil {
		t.Errorf("the token is kept in %s", b)
	}

	out, err = types(t, m, "sh fettle-install.sh </dev/null")
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	says(t, out, "the agent is up to date", "enrolled already")

	out, err = types(t, m, "echo old > /usr/local/bin/fettle-agent; echo 'fettle1.AAAA.BBBB' | sh fettle-install.sh")
	if err == nil || !strings.Contains(out, "is the token still good?") {
		t.Errorf("a made-up token fetches the agent: %v: %s", err, out)
	}
	if out, err = types(t, m, made.Install.Linux); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	says(t, out, "the agent is installed", "enrolled already")

	tampered(t, s, m, made.Install.Linux)
	if _, err := m.Exec(t.Context(), "/usr/local/bin/fettle-agent", "uninstall"); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"/usr/local/bin/fettle-agent", "/usr/local/bin/fettle-agent.new", "/var/lib/fettle-agent", "/etc/systemd/system/fettle-agent.service"} {
		if _, err := m.Exec(t.Context(), "test", "!", "-e", f); err != nil {
			t.Errorf("uninstalling leaves %s", f)
		}
	}
}

// tampered puts another program on the appliance's shelf, as who breaks into it would: the script that a person has fetched refuses it, and
// the line that they were given refuses the script that goes with it.
func tampered(t *testing.T, s *site, m *lab.Machine, line string) {
	t.Helper()
	shelf := filepath.Join(s.Data(), "agents", "fettle-agent-linux-"+runtime.GOARCH)
	program := read(t, shelf)
	if err := os.WriteFile(shelf, append(bytes.Clone(program), 0), 0o600); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := os.WriteFile(shelf, program, 0o600); err != nil {
			t.Error(err)
		}
	}()
	_, rest, _ := strings.Cut(line, "-c - && ")
	out, err := types(t, m, "rm /usr/local/bin/fettle-agent; "+rest)
	if err == nil || !strings.Contains(out, "is not the one that the appliance has: nothing was installed") {
		t.Errorf("a program with one byte more is installed: %v: %s", err, out)
	}
	if out, err = types(t, m, line); err == nil || !strings.Contains(out, "FAILED") {
		t.Errorf("a script for another program is run: %v: %s", err, out)
	}
	if _, err := m.Exec(t.Context(), "test", "!", "-e", "/usr/local/bin/fettle-agent"); err != nil {
		t.Error("something was installed")
	}
	if err := os.WriteFile(shelf, program, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err = types(t, m, line); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// The agent's MSI, with the appliance's address and a token as properties, enrols a Windows machine and makes it a service; removed through
// Windows, nothing of it stays.
func TestTheAgentsMSI(t *testing.T) {
	needRoot(t)
	if _, err := exec.LookPath("wixl"); err != nil {
		t.Skip("SKIPPED: there is no MSI without Debian's package wixl")
	}
	w, s := newWindows(t), newShed(t)
	s.kettles()
	for version, name := range map[string]string{"1.2.3": `C:\fettle-agent.msi`, "1.2.4": `C:\next.msi`} {
		msi := filepath.Join(t.TempDir(), "fettle-agent.msi")
		if out, err := exec.Command("../scripts/msi", w.Path(windowsAgent), msi, version).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		w.copy(msi, name)
	}
	token, err := s.NewToken(t.Context(), "msi")
	if err != nil {
		t.Fatal(err)
	}
	w.run("msiexec", "/qn", "/i", `C:\fettle-agent.msi`, "/l*v", `C:\install.log`, "SERVER=https://"+s.Agents, "TOKEN="+token)
	const program = `C:\Program Files\Fettle\fettle-agent.exe`
	if _, err := os.Stat(w.Path(program)); err != nil {
		t.Fatal(err)
	}
	if name := w.admitted(s); name == "" {
		t.Error("the machine has no name")
	}
	w.run("msiexec", "/qn", "/i", `C:\next.msi`) // another version needs no token
	for _, kept := range []string{program, `C:\ProgramData\Fettle\agent\identity.json`} {
		if _, err := os.Stat(w.Path(kept)); err != nil {
			t.Errorf("after an upgrade: %v", err)
		}
	}
	if out, err := w.Exec(t.Context(), "sc", "query", "FettleAgent"); err != nil || !strings.Contains(string(out), "RUNNING") {
		t.Errorf("after an upgrade the service is %s, %v", out, err)
	}
	w.run(program, "uninstall", "--keep-program")
	w.run("msiexec", "/qn", "/x", `C:\next.msi`)
	for _, gone := range []string{program, `C:\ProgramData\Fettle\agent`} {
		if _, err := os.Stat(w.Path(gone)); err == nil {
			t.Errorf("%s stays", gone)
		}
	}
	if out, err := w.Exec(t.Context(), "sc", "query", "FettleAgent"); err == nil && strings.Contains(string(out), "STATE") {
		t.Errorf("the service stays: %s", out)
	}
}

// The MSI that the appliance offers is fetched, proven and installed as its line says, and the machine enrols.
func TestTheAppliancesMSI(t *testing.T) {
	needRoot(t)
	if _, err := exec.LookPath("wixl"); err != nil {
		t.Skip("SKIPPED: there is no MSI without Debian's package wixl")
	}
	w, s := newWindows(t), newShed(t)
	s.kettles()
	msi := filepath.Join(t.TempDir(), "anything.msi")
	if out, err := exec.Command("../scripts/msi", w.Path(windowsAgent), msi, "1.2.3").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s.cli("agents", "add", "--data", s.Data(), msi)
	says(t, s.cli("agents"), "windows/amd64", "msi", "1.2.3")
	var made struct{ Install struct{ MSI string } }
	s.json(&made, "tokens", "add", "msi")
	// curl.exe … -o FILE; if ((Get-FileHash FILE).Hash -eq 'HASH') { msiexec … | Out-Null; …
	fetch, rest, _ := strings.Cut(made.Install.MSI, "; if ")
	_, rest, _ = strings.Cut(rest, "-eq '")
	hash, rest, _ := strings.Cut(rest, "'")
	_, rest, _ = strings.Cut(rest, "{ msiexec ")
	arguments, _, _ := strings.Cut(rest, " | ")
	dir := t.TempDir()
	curl := exec.Command("sh", "-c", strings.Replace(fetch, "curl.exe", "curl", 1)+" && echo '"+hash+"  fettle-agent.msi' | sha256sum -c")
	curl.Dir = dir
	if out, err := curl.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", fetch, err, out)
	}
	w.copy(filepath.Join(dir, "fettle-agent.msi"), `C:\fettle-agent.msi`)
	w.run("msiexec", strings.Fields(strings.Replace(arguments, "fettle-agent.msi", `C:\fettle-agent.msi`, 1))...)
	if name := w.admitted(s); name == "" {
		t.Error("the machine has no name")
	}
}

// As a new administrator: sign in, choose archives, paste a line on a real machine, watch it arrive, and read why a patch is as it is. Five
// requests that change something, and no documentation.
func TestFirstSteps(t *testing.T) {
	needRoot(t)
	s := newShed(t)
	m := s.barn("first")
	archive, err := lab.ReadArchive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	suite, err := archive.Suite(release)
	if err != nil {
		t.Fatal(err)
	}
	browser := newBrowser(t, "https://"+s.Console)
	started := time.Now()
	if at, _ := browser.posts("/sign-in", url.Values{"name": {s.Admin}, "password": {s.Password}}); at != "/start" {
		t.Fatalf("the first sign-in leads to %q", at)
	}
	if at, page := browser.posts("/start/feeds", url.Values{"line": {suite.Line()}}); at != "/start" {
		t.Fatalf("choosing leads to %q: %s", at, page)
	}
	_, page := browser.posts("/start/token", url.Values{"admit": {"yes"}})
	_, rest, _ := strings.Cut(page, `<pre class="cmd" tabindex="0">`)
	text, _, _ := strings.Cut(rest, "</pre>")
	if out, err := types(t, m, html.UnescapeString(text)); err != nil {
		t.Fatalf("%q: %v: %s", text, err, out)
	}
	agent := m.Command(t.Context(), "/usr/local/bin/fettle-agent", "run")
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { m.Stop(); _ = agent.Wait() }()
	until(t, "the first machine is judged", func() bool {
		page = browser.gets("/start")
		return strings.Contains(page, "Ask it anything")
	})
	_, rest, _ = strings.Cut(page, `href="/explain/`)
	address, _, _ := strings.Cut(rest, `"`)
	says(t, browser.gets("/explain/"+html.UnescapeString(address)), "on this OS", "snapshot", "first")
	t.Logf("explained %s after the first sign-in", time.Since(started).Round(time.Second/10))
	if strings.Contains(browser.gets("/"), `href="/start"`) {
		t.Error("the first steps do not disappear")
	}
}

// browser sends forms as a page of the console does, and keeps its cookie.
type browser struct {
	t    *testing.T
	base string
	http *http.Client
}

func newBrowser(t *testing.T, base string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, base, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}} // a person clicks it away, or has compared the fingerprint
}

func (b *browser) does(method, path string, form url.Values) (location, page string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res.Header.Get("Location"), string(text)
}

func (b *browser) posts(path string, form url.Values) (location, page string) {
	b.t.Helper()
	return b.does(http.MethodPost, path, form)
}

func (b *browser) gets(path string) string {
	b.t.Helper()
	_, page := b.does(http.MethodGet, path, nil)
	return page
}
