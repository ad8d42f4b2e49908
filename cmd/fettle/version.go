package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	ordering "github.com/fettle-project/fettle/internal/version"
)

// version is set by the linker: -X main.version=…
var version = "dev"

type versionCmd struct {
	Show    versionShowCmd    `cmd:"" default:"1" help:"Print this program's version."`
	Compare versionCompareCmd `cmd:"" help:"Order pairs of package versions as the named scheme does."`
}

type versionShowCmd struct{}

func (versionShowCmd) Help() string {
	return `Examples:
  fettle version
  fettle version --json`
}

func (versionShowCmd) Run(s *screen) error {
	out := struct {
		Version string `json:"version"`
	}{version}
	return s.show(out, func(w io.Writer) { fmt.Fprintln(w, "fettle", version) })
}

type versionCompareCmd struct {
	Scheme string `required:"" enum:"${schemes}" help:"One of ${enum}." placeholder:"SCHEME"`
}

func (versionCompareCmd) Help() string {
	return `Reads lines of two versions with a tab between them and prints for each -1, 0 or 1: the first is older, equal, newer. Prints
"error" where one of them is not a version of that scheme.

Schemes: dpkg, rpm and apk order as these package managers do; windows orders file and OS versions of up to four numbers; winget
orders what Windows' package manager and list of programs show (1.0 = 1.0.0, 1.0-rc1 < 1.0, v1 = 1); semver is Semantic Versioning
2.0.0; macos orders product versions (14.4 < 14.4.1) and builds (23E214 < 23E224), each among themselves.

Example:
  printf '1.0-1\t1.0-2\n' | fettle version compare --scheme dpkg`
}

func (c versionCompareCmd) Run(s *screen) error {
	in := bufio.NewScanner(s.in)
	in.Buffer(make([]byte, 0, 64<<10), 1<<20)
	out := bufio.NewWriter(s.out)
	for in.Scan() {
		a, b, pair := strings.Cut(strings.TrimSuffix(in.Text(), "\r"), "\t")
		order, err := ordering.Compare(ordering.Scheme(c.Scheme), a, b)
		if err != nil || !pair {
			fmt.Fprintln(out, "error")
			continue
		}
		fmt.Fprintln(out, order)
	}
	if err := in.Err(); err != nil {
		return &patch.Error{Kind: patch.Invalid, What: "cannot read the versions to compare", Err: err}
	}
	if err := out.Flush(); err != nil {
		return &patch.Error{Kind: patch.Unavailable, What: "cannot write the answer", Err: err}
	}
	return nil
}
