package auth

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestKeys(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	_, err := OpenKeys(dir)
	wantKind(t, err, patch.NotFound)
	made, err := CreateKeys(dir, noon)
	if err != nil {
		t.Fatal(err)
	}
	got, err := OpenKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Approver.Equal(made.Approver) || !got.Catalog.Equal(made.Catalog) || !got.Agents.key.Equal(made.Agents.key) ||
		!got.Console.Certificate.Equal(made.Console.Certificate) || !got.ApproverPublic.Equal(made.ApproverPublic) {
		t.Error("what is read is not what was made")
	}
	if got.Agents.key.Equal(got.Console.key) || got.Catalog.Equal(got.Approver) {
		t.Error("one key has two purposes")
	}
	for _, name := range []string{"agent-ca.key", "console-ca.key", "catalog.key", "approver.key"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	_, err = CreateKeys(dir, noon)
	wantKind(t, err, patch.Conflict)
	if again, err := OpenKeys(dir); err != nil || !again.Catalog.Equal(made.Catalog) {
		t.Errorf("a second init changed keys: %v", err)
	}
}

func TestApproverKeyMayLeave(t *testing.T) {
	dir := t.TempDir()
	made, err := CreateKeys(dir, noon)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "approver.key")); err != nil {
		t.Fatal(err)
	}
	got, err := OpenKeys(dir)
	if err != nil || got.Approver != nil || !got.ApproverPublic.Equal(made.ApproverPublic) {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = CreateKeys(dir, noon)
	wantKind(t, err, patch.Conflict)
}

func TestKeyFilesThatAreWrong(t *testing.T) {
	tests := map[string]struct {
		spoil func(dir string) error
		kind  patch.Kind
	}{
		"open to others": {func(d string) error { return os.Chmod(filepath.Join(d, "catalog.key"), 0o640) }, patch.Untrusted},
		"cut":            {func(d string) error { return os.Truncate(filepath.Join(d, "catalog.key"), 30) }, patch.Untrusted},
		"missing":        {func(d string) error { return os.Remove(filepath.Join(d, "catalog.key")) }, patch.NotFound},
		"of another sort": {func(d string) error {
			return os.Rename(filepath.Join(d, "agent-ca.key"), filepath.Join(d, "catalog.key"))
		}, patch.NotFound},
		"another CA's": {func(d string) error {
			return os.Rename(filepath.Join(d, "console-ca.pem"), filepath.Join(d, "agent-ca.pem"))
		}, patch.Untrusted},
		"another approver's": {func(d string) error {
			return os.Rename(filepath.Join(d, "catalog.key"), filepath.Join(d, "approver.key"))
		}, patch.NotFound},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := CreateKeys(dir, noon); err != nil {
				t.Fatal(err)
			}
			if err := tt.spoil(dir); err != nil {
				t.Fatal(err)
			}
			_, err := OpenKeys(dir)
			wantKind(t, err, tt.kind)
		})
	}
}
