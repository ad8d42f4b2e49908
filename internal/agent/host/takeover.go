//go:build !windows

package host

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
)

// PlanTakeOver says what turning another patch service off would make, by its entry in the table. What somebody else has masked or put there
// already is left alone. The caller keeps the plan before it carries it out, so that what is made can be given back whatever happens.
func PlanTakeOver(root, name string) (TakenOver, error) {
	var plan TakenOver
	u, ok := updaterNamed(name)
	if !ok || len(u.files)+len(u.units) == 0 {
		return plan, patch.Errorf(patch.Invalid, "turning %.40q off is not in the table of what Fettle can do", name)
	}
	for _, f := range u.files {
		if b, err := readLimited(root, f.path, maxSmall); err != nil || string(b) == f.content {
			plan.Files = append(plan.Files, f.path)
		}
	}
	for _, unit := range u.units {
		if !masked(root, unit) {
			plan.Units = append(plan.Units, unit)
		}
	}
	return plan, nil
}

// TakeOver turns another patch service off as planned.
func TakeOver(ctx context.Context, root, name string, plan TakenOver) error {
	u, _ := updaterNamed(name)
	for _, f := range u.files {
		if !slices.Contains(plan.Files, f.path) {
			continue
		}
		if err := plant(root, f); err != nil {
			return patch.Errorf(patch.Unavailable, "cannot turn %s off: %w", name, err)
		}
	}
	for _, unit := range u.units {
		if !slices.Contains(plan.Units, unit) || masked(root, unit) {
			continue
		}
		if err := mask(root, unit); err != nil {
			return patch.Errorf(patch.Unavailable, "cannot turn %s off: %w", name, err)
		}
	}
	return tellSystemd(ctx, root, plan.Units, true)
}

// GiveBack undoes a take-over: our files, where they are still as we wrote them, and our masks.
func GiveBack(ctx context.Context, root, name string, made TakenOver) error {
	u, ok := updaterNamed(name)
	if !ok {
		return patch.Errorf(patch.Invalid, "%.40q is not in the table of what Fettle can do", name)
	}
	for _, f := range u.files {
		b, err := readLimited(root, f.path, maxSmall)
		if err != nil || string(b) != f.content || !slices.Contains(made.Files, f.path) {
			continue // somebody made it theirs
		}
		if err := os.Remove(filepath.Join(root, f.path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return patch.Errorf(patch.Unavailable, "cannot give %s back: %w", name, err)
		}
	}
	for _, unit := range u.units {
		if !slices.Contains(made.Units, unit) || !masked(root, unit) {
			continue
		}
		if err := os.Remove(filepath.Join(root, "etc/systemd/system", unit)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return patch.Errorf(patch.Unavailable, "cannot give %s back: %w", name, err)
		}
	}
	return tellSystemd(ctx, root, made.Units, false)
}

// Missing names what a take-over made that is not there any more.
func (t TakenOver) Missing(root, name string) []string {
	u, _ := updaterNamed(name)
	var out []string
	for _, f := range u.files {
		if b, err := readLimited(root, f.path, maxSmall); slices.Contains(t.Files, f.path) && (err != nil || string(b) != f.content) {
			out = append(out, "/"+f.path)
		}
	}
	for _, unit := range t.Units {
		if !masked(root, unit) {
			out = append(out, "the mask of "+unit)
		}
	}
	return out
}

// plant writes a file of ours; another one in its place is an error.
func plant(root string, f planted) (err error) {
	path := filepath.Join(root, f.path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	to, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|noFollow, 0o644)
	if errors.Is(err, fs.ErrExist) {
		if b, readErr := readLimited(root, f.path, maxSmall); readErr == nil && string(b) == f.content {
			return nil
		}
	}
	if err != nil {
		return err
	}
	_, err = to.WriteString(f.content)
	return errors.Join(err, to.Sync(), to.Close())
}

// mask takes a unit out of service as systemctl does. An administrator's own unit of that name is in the way, and stays.
func mask(root, unit string) error {
	dir := filepath.Join(root, "etc/systemd/system")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.Symlink("/dev/null", filepath.Join(dir, unit))
}

// tellSystemd has a running systemd read its units again, and stop those that were masked. Where none runs there is nothing to tell.
func tellSystemd(ctx context.Context, root string, units []string, stop bool) error {
	if _, err := os.Stat("/run/systemd/system"); err != nil || !live(root) || len(units) == 0 {
		return nil
	}
	out := &tail{}
	if err := run(systemctl(ctx, "daemon-reload"), out, nil); err != nil {
		return patch.Errorf(patch.Unavailable, "systemd does not take it over: %w: %s", err, out)
	}
	if !stop {
		return nil
	}
	if err := run(systemctl(ctx, stopArgs(units)...), out, nil); err != nil {
		return patch.Errorf(patch.Unavailable, "systemd does not stop it: %w: %s", err, out)
	}
	return nil
}
