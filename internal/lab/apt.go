package lab

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Big is a root of some 345 packages, as a small server has them.
func Big(release string) RootSpec {
	return RootSpec{Release: release, Variant: "standard", Include: []string{"apache2", "build-essential", "ca-certificates", "curl", "git", "mariadb-client", "nginx",
		"openssh-server", "openssl", "perl", "php-cli", "postgresql-client", "python3-requests", "rsync", "sudo", "tmux", "vim", "xz-utils"}}
}

// CopyWithApt copies a root to dir and gives it the release's three suites with fetched lists, so that its own apt can be asked as a
// referee. The caller removes dir.
func CopyWithApt(ctx context.Context, base, dir string, archive Archive, release string) error {
	if out, err := exec.CommandContext(ctx, "cp", "-a", base, dir).CombinedOutput(); err != nil {
		return fmt.Errorf("cannot copy the root: %w: %s", err, lastLines(string(out), 2))
	}
	suites, err := archive.Suites(release)
	if err != nil {
		return err
	}
	var lines strings.Builder
	for _, s := range suites {
		fmt.Fprintln(&lines, s.Line())
	}
	if archive.IgnoreExpiry {
		conf := []byte("Acquire::Check-Valid-Until \"false\";\n")
		if err := os.WriteFile(filepath.Join(dir, "etc/apt/apt.conf.d/90lab"), conf, 0o644); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "etc/apt/sources.list"), []byte(lines.String()), 0o644); err != nil {
		return err
	}
	resolv, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "etc/resolv.conf"), resolv, 0o644); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "chroot", dir, "apt-get", "update", "-qq").CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get update fails in the root: %w: %s", err, lastLines(string(out), 3))
	}
	return nil
}

// Upgrade is one line of apt's own answer.
type Upgrade struct{ Name, Installed, Candidate string }

// AptUpgrades asks the root's own apt what a dist-upgrade would upgrade.
func AptUpgrades(ctx context.Context, root string) ([]Upgrade, error) {
	cmd := exec.CommandContext(ctx, "chroot", root, "apt-get", "-s", "dist-upgrade")
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive"}
	return upgrades(cmd)
}

// AptUpgradesBy asks this machine's apt the same about a folder that a configuration points it at, downgrades included.
func AptUpgradesBy(ctx context.Context, config string) ([]Upgrade, error) {
	cmd := exec.CommandContext(ctx, "apt-get", "-s", "--allow-downgrades", "dist-upgrade")
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "APT_CONFIG=" + config}
	return upgrades(cmd)
}

// AptPolicyBy is apt's own explanation of what it would choose.
func AptPolicyBy(ctx context.Context, config, name string) string {
	cmd := exec.CommandContext(ctx, "apt-cache", "policy", name)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "APT_CONFIG=" + config}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return err.Error()
	}
	return string(out)
}

func upgrades(cmd *exec.Cmd) ([]Upgrade, error) {
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("apt-get -s dist-upgrade: %w: %s", err, lastLines(problems.String(), 3))
	}
	var ups []Upgrade
	sc := bufio.NewScanner(bytes.NewReader(out))
	for sc.Scan() {
		// Inst perl-base [5.36.0-7+deb12u3] (5.36.0-7+deb12u4 Debian-Security:12/… [amd64])
		f := strings.Fields(sc.Text())
		if len(f) < 4 || f[0] != "Inst" || !strings.HasPrefix(f[2], "[") {
			continue
		}
		ups = append(ups, Upgrade{f[1], strings.Trim(f[2], "[]"), strings.TrimPrefix(f[3], "(")})
	}
	return ups, sc.Err()
}
