package auth

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestPermissions(t *testing.T) {
	all := []Permission{Read, ReadAudit, Decide, Deploy, ManageLabels, ManageMachines, ManageFeeds, ManageTokens, ManageUsers, ManageNotify}
	want := map[patch.Role][]Permission{
		patch.Admin:    all,
		patch.Operator: {Read, ReadAudit, Decide, Deploy, ManageLabels},
		patch.Auditor:  {Read, ReadAudit},
		"":             nil,
		"root":         nil,
	}
	for role, may := range want {
		if diff := cmp.Diff(may, Permissions(role)); diff != "" {
			t.Errorf("%q: %s", role, diff)
		}
		for _, p := range append(all, "", "unheard-of") {
			err := Allow(patch.Caller{Name: "x", Role: role}, p)
			if slices.Contains(may, p) != (err == nil) {
				t.Errorf("Allow(%q, %q) = %v", role, p, err)
			}
			if err != nil && patch.KindOf(err) != patch.Forbidden {
				t.Errorf("Allow(%q, %q) is %s", role, p, patch.KindOf(err))
			}
		}
	}
}
