package version

import "testing"

func TestInstallOnly(t *testing.T) {
	for name, want := range map[string]bool{
		"kernel": true, "kernel-core": true, "kernel-modules-extra": true, "kernel-rt-core": true, "kernel-uek": true, "kernel-default": true, "kernel-64k-modules": true,
		"kernel-headers": false, "kernel-tools": false, "kernel-tools-libs": false, "kernel-srpm-macros": false, "kernel-firmware-all": false, "kernels": false,
		"bash": false, "": false,
	} {
		if InstallOnly(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func TestRPMOverlap(t *testing.T) {
	for _, c := range []struct {
		opA, a, opB, b string
		want           bool
	}{
		{"=", "1.0-1", ">=", "1.0", true}, {"=", "1.0-1", ">", "1.0", false}, {"=", "1.0-1", "<", "1.0-2", true}, {"=", "1.0-2", "<", "1.0-2", false},
		{"=", "1.0-2", "<=", "1.0-2", true}, {"=", "1:1.0-1", "<", "2.0", false}, {"=", "2.0-1", "=", "2.0", true}, {"", "", ">=", "9", true},
		{">=", "3", "<", "3", false}, {">=", "2", "<", "3", true}, {"<", "2", "<", "1", true}, {"=", "1.0~rc1-1", "<", "1.0", true},
	} {
		if got := RPMOverlap(c.opA, c.a, c.opB, c.b); got != c.want {
			t.Errorf("%s %s and %s %s: %v", c.opA, c.a, c.opB, c.b, got)
		}
	}
}
