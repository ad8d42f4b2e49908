//go:build !windows

package probe

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/macos"
	"github.com/fettle-project/fettle/internal/patch"
)

// mac answers for a Mac from its files below root: "/" for the running one.
func mac(root, class string) func(*gathering) {
	if _, err := os.Stat(filepath.Join(root, "System/Library/CoreServices/SystemVersion.plist")); err != nil {
		return nil
	}
	switch class {
	case "family":
		return func(g *gathering) { g.add(text("family", "macos")) }
	case "program":
		return func(g *gathering) { g.applications(root) }
	case "receipt":
		return func(g *gathering) { g.receipts(root) }
	}
	return nil
}

// applications answers for programs in the folders for all users, and one level below them.
func (g *gathering) applications(root string) {
	for _, dir := range []string{"Applications", "Applications/*", "System/Applications", "System/Applications/Utilities"} {
		all, _ := filepath.Glob(filepath.Join(root, dir, "*.app")) // the pattern is a constant
		for _, app := range all {
			if strings.Contains(strings.TrimPrefix(filepath.Dir(app), root), ".app") {
				continue // a part of another one
			}
			b, err := readSmall(filepath.Join(app, "Contents/Info.plist"))
			if errors.Is(err, fs.ErrNotExist) {
				continue // a folder that is only called so, or an application for another device
			}
			a, wrong := macos.ReadApp(b, filepath.Base(app))
			if err := errors.Join(err, wrong); err != nil {
				g.broken("cannot read "+app+": "+err.Error(), text("name", strings.TrimSuffix(filepath.Base(app), ".app")))
				continue
			}
			f := []patch.Field{text("id", a.ID), text("name", a.Name)}
			if a.Version != "" {
				f = append(f, text("version", a.Version))
			}
			g.add(append(f, text("scope", "machine"))...)
		}
	}
}

// receipts answers for packages that the installer has installed.
func (g *gathering) receipts(root string) {
	all, _ := filepath.Glob(filepath.Join(root, "var/db/receipts/*.plist"))
	slices.Sort(all)
	for _, name := range all {
		b, err := readSmall(name)
		r, wrong := macos.ReadReceipt(b)
		if err := errors.Join(err, wrong); err != nil {
			g.broken("cannot read "+name+": "+err.Error(), text("id", strings.TrimSuffix(filepath.Base(name), ".plist")))
			continue
		}
		g.add(text("id", r.ID), typed("version", "version", r.Version))
	}
}

// readSmall reads a property list, and no more of it than one may have.
func readSmall(name string) ([]byte, error) {
	st, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > macos.MaxSmall {
		return nil, patch.Errorf(patch.Invalid, "it is not a file of a usable size")
	}
	return os.ReadFile(name)
}
