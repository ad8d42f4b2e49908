package host

import (
	"path/filepath"

	"github.com/fettle-project/fettle/internal/patch"
)

// aptOptions point apt at our private directory and nowhere else: own sources, lists, cache and preferences; the dpkg database
// and the machine's own apt.conf hooks stay the machine's. A private copy of the auto-installed marks is given to apt because naming
// a package makes apt forget that it came as a dependency.
func (a *Apt) aptOptions() []string {
	return []string{
		"-q", "-o", "Dir::Etc::SourceList=" + filepath.Join(a.Dir, "etc/sources.list"),
		"-o", "Dir::Etc::SourceParts=/dev/null",
		"-o", "Dir::Etc::Preferences=/dev/null", "-o", "Dir::Etc::PreferencesParts=/dev/null",
		"-o", "APT::Default-Release=", // a release that our sources do not have makes apt refuse everything
		"-o", "Dir::State::Lists=" + filepath.Join(a.Dir, "lists"),
		"-o", "Dir::State::extended_states=" + filepath.Join(a.Dir, "extended_states"),
		"-o", "Dir::Cache=" + filepath.Join(a.Dir, "cache"),
		"-o", "Dir::Cache::Archives=" + filepath.Join(a.Dir, "archives"),
		"-o", "APT::Sandbox::User=root", "-o", "Acquire::Languages=none",
		"-o", "Dpkg::Use-Pty=0",
	}
}

func (a *Apt) updateArgs() []string {
	return append(a.aptOptions(), "-q", "update")
}

// installArgs asks for exactly these packages. It refuses a name, architecture or version outside Debian's grammar, so that nothing
// from an order can be read as an option.
func (a *Apt) installArgs(attempt string, want []patch.PlanPackage, simulate bool) ([]string, error) {
	if !ValidAttempt(attempt) {
		return nil, patch.Errorf(patch.Invalid, "%q is not an attempt's name", attempt)
	}
	args := a.aptOptions()
	if simulate {
		args = append(args, "-s")
	}
	args = append(args, "-y", "-o", "Fettle::Attempt="+attempt,
		"-o", "APT::Keep-Fds::=3", "-o", "DPkg::Lock::Timeout=20",
		"-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold",
		"install", "--no-remove", "--no-install-recommends")
	if anyBack(want) {
		args = append(args, "--allow-downgrades") // which packages, judge says
	}
	args = append(args, "--")
	for _, p := range want {
		if err := CheckPackage(p); err != nil {
			return nil, err
		}
		args = append(args, p.Name+":"+p.Arch+"="+p.Version)
	}
	return args, nil
}

// mergeArgs selects nothing, of which dpkg reads and writes its whole database.
func mergeArgs() []string { return []string{"--set-selections"} }

// contentsArgs lists the files of our own verified copy.
func contentsArgs(path string) []string { return []string{"--contents", path} }

func configureArgs() []string {
	return []string{"--force-confdef", "--force-confold", "--configure", "--pending"}
}

// reinstallArgs names our own verified copies, by absolute paths that we chose.
func reinstallArgs(paths []string, back bool) []string {
	args := []string{"--force-confdef", "--force-confold"}
	if !back {
		args = append(args, "--refuse-downgrade")
	}
	return append(append(args, "--install", "--"), paths...)
}

// autoArgs marks packages that came along as automatically installed, as apt itself would have.
func autoArgs(names []string) []string {
	return append([]string{"auto", "--"}, names...)
}

// stopArgs stops units out of the table of updaters; one that does not exist or does not run is stopped already.
func stopArgs(units []string) []string {
	return append([]string{"stop", "--quiet", "--no-block", "--"}, units...)
}

// restartArgs restarts one unit if it runs.
func restartArgs(unit string) []string { return []string{"try-restart", "--quiet", "--", unit} }

// unitName is the agent's own unit.
const unitName = "fettle-agent.service"

// unitArgs are what systemd is told about the agent's own unit, a step each.
func unitArgs(step string) []string {
	if step == "daemon-reload" {
		return []string{"daemon-reload"}
	}
	args := []string{step, "--quiet"}
	if step == "enable" || step == "disable" {
		args = append(args, "--now")
	}
	return append(args, "--", unitName)
}

// ValidAttempt accepts what identifiers of attempts and orders are made of: letters, digits, - and _, at most 64.
func ValidAttempt(s string) bool {
	if s == "" || len(s) > 64 || s[0] == '-' {
		return false
	}
	for _, c := range []byte(s) {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}
