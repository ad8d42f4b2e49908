package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

const someHash = patch.Hash("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")

func good() patch.PlanPackage {
	return patch.PlanPackage{Name: "curl", Arch: "amd64", From: "1.0-1", Version: "1.0-2", SHA256: someHash, Size: 10}
}

// hostileNames are strings that some part of a package manager, a shell or a path could take for something else than a name.
func hostileNames(tripwire string) []string {
	return []string{
		"-oDPkg::Pre-Invoke::=touch " + tripwire, "-oDPkg::Pre-Invoke::=touch${IFS}" + tripwire, "--option=APT::Update::Pre-Invoke::=touch " + tripwire,
		"-c/tmp/x", "--", "-", "", " ", "curl touch", "curl\ttouch", "curl\ntouch " + tripwire, "curl\x00x", "curl;touch " + tripwire, "$(touch " + tripwire + ")",
		"`touch " + tripwire + "`", "curl|touch", "curl&touch", "curl>x", "../../etc/passwd", "/etc/passwd", "./x.deb", "/tmp/evil.deb", "file:/tmp/x.deb",
		"curl/unstable", "curl=1", "curl:amd64", "curl+", "curl-", "curl*", "^curl.*", "task^", "~nroot", "?installed", "Curl", "curl%00", "ｃｕｒｌ", "a", strings.Repeat("a", 5000),
		"<script>alert(1)</script>", "curl\r", "curl\u202e", "\xff\xfe",
	}
}

func TestHostileNamesNeverBecomeArguments(t *testing.T) {
	tripwire := filepath.Join(t.TempDir(), "tripwire")
	a := &Apt{Dir: t.TempDir()}
	for _, bad := range hostileNames(tripwire) {
		for field, set := range map[string]func(*patch.PlanPackage){
			"name": func(p *patch.PlanPackage) { p.Name = bad }, "arch": func(p *patch.PlanPackage) { p.Arch = bad },
			"version": func(p *patch.PlanPackage) { p.Version = bad }, "from": func(p *patch.PlanPackage) { p.From = bad },
			"hash": func(p *patch.PlanPackage) { p.SHA256 = patch.Hash(bad) },
		} {
			p := good()
			set(&p)
			if field != "version" && field != "hash" && (bad == "curl+" || bad == "curl-") || field == "arch" && bad == "a" || field == "from" && bad == "" {
				continue // within the grammar; harmless as name:arch=version, see below
			}
			if err := CheckPackage(p); patch.KindOf(err) != patch.Invalid {
				t.Errorf("%s %q: %v", field, bad, err)
			}
			if args, err := a.installArgs("A1", []patch.PlanPackage{p}, true); err == nil {
				t.Errorf("%s %q became %q", field, bad, args)
			}
			f := patch.Facts{OS: patch.OSFacts{Arch: "amd64"}}
			var fail *Failure
			if _, err := a.Plan(context.Background(), "A1", f, []Staged{{PlanPackage: p}}, nil); !errors.As(err, &fail) || fail.Cause != patch.FailUntrusted {
				t.Errorf("%s %q: Plan said %v", field, bad, err)
			}
			if err := a.Stage(context.Background(), []Staged{{PlanPackage: p}}); !errors.As(err, &fail) {
				t.Errorf("%s %q: Stage said %v", field, bad, err)
			}
		}
		if ValidAttempt(bad) && bad != "a" && bad != "Curl" && bad != "curl-" {
			t.Errorf("attempt %q", bad)
		}
	}
	if _, err := os.Stat(tripwire); err == nil {
		t.Fatal("the tripwire was touched")
	}
}

// What passes stands after "--" and says name, architecture and version in one word.
func TestInstallArguments(t *testing.T) {
	a := &Apt{Dir: "/var/lib/fettle-agent/apt"}
	plus := good()
	plus.Name = "libstdc++6"
	args, err := a.installArgs("01ABC", []patch.PlanPackage{good(), plus}, false)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.Index(args, "--")
	if got := strings.Join(args[i:], " "); got != "-- curl:amd64=1.0-2 libstdc++6:amd64=1.0-2" {
		t.Fatalf("%q", got)
	}
	for _, need := range []string{"--no-remove", "--no-install-recommends", "Dir::Etc::SourceParts=/dev/null", "Dpkg::Options::=--force-confold"} {
		if !slices.Contains(args[:i], need) {
			t.Errorf("%s is missing", need)
		}
	}
	if slices.Contains(args, "-s") {
		t.Error("a real run simulates")
	}
}
