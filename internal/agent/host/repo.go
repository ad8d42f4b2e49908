package host

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// Stage makes the private flat repository of an order anew: the verified files under their hashes, and an index made of their verified
// stanzas. After it, apt knows these packages and no others.
func (a *Apt) Stage(ctx context.Context, files []Staged) error {
	if err := a.stage(ctx, files); err != nil {
		if f := (*Failure)(nil); errors.As(err, &f) {
			return f
		}
		return &Failure{Cause: stageCause(err), Text: "cannot prepare the verified packages for apt: " + err.Error()}
	}
	return nil
}

func (a *Apt) stage(ctx context.Context, files []Staged) error {
	repo := filepath.Join(a.Dir, "repo")
	for _, d := range []string{repo, filepath.Join(a.Dir, "lists"), filepath.Join(a.Dir, "archives"), filepath.Join(a.Dir, "cache")} {
		if err := os.RemoveAll(d); err != nil {
			return err
		}
	}
	for _, d := range []string{repo, "etc", "lists/partial", "archives/partial", "cache"} {
		if !filepath.IsAbs(d) {
			d = filepath.Join(a.Dir, d)
		}
		if err := os.MkdirAll(d, 0o700); err != nil {
			return err
		}
	}
	index, err := os.Create(filepath.Join(repo, "Packages"))
	if err != nil {
		return err
	}
	defer index.Close()
	w := bufio.NewWriter(index)
	for _, f := range files {
		if err := a.addToRepo(w, repo, f); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	source := "deb [trusted=yes] file:" + repo + " ./\n"
	if err := os.WriteFile(filepath.Join(a.Dir, "etc/sources.list"), []byte(source), 0o600); err != nil {
		return err
	}
	var out tail
	if err := run(aptGet(ctx, a.updateArgs()...), &out, nil); err != nil {
		return &Failure{Cause: patch.FailPatch, Text: "apt cannot read the private index of verified packages: " + err.Error(), Log: out.String()}
	}
	return nil
}

func (a *Apt) addToRepo(w io.Writer, repo string, f Staged) error {
	if err := CheckPackage(f.PlanPackage); err != nil {
		return err
	}
	name := string(f.SHA256) + ".deb"
	if err := os.Link(f.Path, filepath.Join(repo, name)); err != nil {
		return err
	}
	if err := os.Link(f.Path, a.archive(f.PlanPackage)); err != nil {
		return err
	}
	w.Write(bytes.TrimRight(withoutFields(f.Stanza, "Filename", "Size", "SHA256", "MD5sum", "SHA1", "SHA512"), "\n"))
	_, err := fmt.Fprintf(w, "\nFilename: ./%s\nSize: %d\nSHA256: %s\n\n", name, f.Size, f.SHA256)
	return err
}

// archive is where apt looks for a package before it fetches it. What is there needs no acquire method: apt waits for ever for one that was killed.
func (a *Apt) archive(p patch.PlanPackage) string {
	return filepath.Join(a.Dir, "archives", p.Name+"_"+strings.ReplaceAll(p.Version, ":", "%3a")+"_"+p.Arch+".deb")
}

// checkArchives hashes what dpkg is about to get: apt itself looks at the size alone.
func (a *Apt) checkArchives(all []patch.PlanPackage) error {
	for _, p := range all {
		if err := CheckFile(a.archive(p), p.Size, p.SHA256); err != nil {
			return err
		}
	}
	return nil
}

// withoutFields leaves fields out of a paragraph, their continuation lines included.
func withoutFields(paragraph []byte, names ...string) []byte {
	var out []byte
	dropping := false
	for line := range bytes.Lines(paragraph) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if line[0] != ' ' && line[0] != '\t' {
			dropping = false
			key, _, _ := bytes.Cut(line, []byte(":"))
			for _, n := range names {
				dropping = dropping || bytes.EqualFold(key, []byte(n))
			}
		}
		if !dropping {
			out = append(out, line...)
		}
	}
	return out
}

// copyMarks gives apt its own copy of the machine's auto-installed marks, so that ours stay as they are.
func (a *Apt) copyMarks() error {
	b, err := os.ReadFile("/var/lib/apt/extended_states")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.WriteFile(filepath.Join(a.Dir, "extended_states"), b, 0o600)
}
