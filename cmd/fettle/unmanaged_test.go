package main

import (
	"net/http"
	"slices"
	"testing"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/patch"
)

// Packages that no patch of the list is about are named, and never counted as patched.
func TestUnmanagedPackagesOfAMachine(t *testing.T) {
	h := open(t)
	url := archive(t, bellFile)
	h.publish(url, bellFile)
	r := h.newRobot()
	r.enrol(h.enrolToken(true, 1), "web-14")
	r.facts.Packages = append(r.facts.Packages, patch.Package{Name: "made-here", Arch: "amd64", Version: "1", State: patch.Installed})
	r.checkin("", 0)
	ask := func() (names []string, err error) {
		l, err := api.Do[api.List[api.UnmanagedPackage]](t.Context(), h.admin, http.MethodGet, api.Path("machines", string(r.reply.Machine), "unmanaged"), nil, nil)
		for _, p := range l.Items {
			names = append(names, p.Name)
		}
		return names, err
	}
	if names, err := ask(); err == nil {
		t.Errorf("%v before any facts", names)
	}
	r.detect(1, "")
	names, err := ask()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(names, []string{"made-here"}) {
		t.Errorf("%v", names)
	}
}
