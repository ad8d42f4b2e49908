package rpmdb

import "testing"

func TestModuleOf(t *testing.T) {
	for _, c := range []struct{ label, version, want string }{
		{"nodejs:18:9020020230301:rhel9", "1:18.1-1.module_el9+1", "nodejs:18"},
		{"", "1:18.1-1.module_el9+1", "*:*"},
		{"", "18.1.module-1.el9", ""},
		{"", "5.1.8-9.el9", ""},
	} {
		if got := moduleOf(c.label, c.version); got != c.want {
			t.Errorf("%q %s is of %q, not %q", c.label, c.version, got, c.want)
		}
	}
}
