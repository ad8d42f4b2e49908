package apk

import (
	"cmp"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/apk"
	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const (
	indexName  = "APKINDEX.tar.gz"
	maxIndexes = 200
)

// ReadFiles reads indexes and security databases. An index is a file, or all files APKINDEX.tar.gz below a directory, as a mirror has
// them: v3.20/main/x86_64/APKINDEX.tar.gz. With keys every index must be signed by one of them. Every security database must be for
// one of the indexes.
func ReadFiles(indexes, secdbs []string, keys apk.Keys) ([]Repository, error) {
	var files []string
	for _, path := range indexes {
		found, err := indexesIn(path)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	var repos []Repository
	for _, file := range files {
		r, err := readRepository(file, keys)
		if err != nil {
			return nil, &patch.Error{Kind: patch.KindOf(err), What: phrase.Of("cannot use the index {1}", file), Err: err}
		}
		repos = append(repos, r)
	}
	for _, path := range secdbs {
		b, err := readLimited(path, apk.MaxSecDB)
		if err != nil {
			return nil, err
		}
		db, err := apk.ParseSecDB(b)
		if err == nil {
			err = attach(repos, db)
		}
		if err != nil {
			return nil, &patch.Error{Kind: patch.KindOf(err), What: phrase.Of("cannot use the security database {1}", path), Err: err}
		}
	}
	return repos, nil
}

func indexesIn(path string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err == nil && (p == path && !d.IsDir() || d.Name() == indexName && d.Type().IsRegular()) {
			found = append(found, p)
		}
		if len(found) > maxIndexes {
			return fs.SkipAll
		}
		return err
	})
	if err != nil || len(found) == 0 {
		return nil, &patch.Error{Kind: patch.NotFound, What: phrase.Of("there is no APKINDEX.tar.gz in {1}", path), Err: err,
			Do: "Name an index, or a folder laid out as a mirror is: v3.20/main/x86_64/" + indexName + "."}
	}
	slices.Sort(found)
	return found, nil
}

// readRepository tells release, name and architecture by where the index lies, else by what it says itself.
func readRepository(file string, keys apk.Keys) (Repository, error) {
	var r Repository
	b, err := readLimited(file, apk.MaxIndex)
	if err != nil {
		return r, err
	}
	if r.Index, err = apk.ReadIndex(b, keys); err != nil {
		return r, err
	}
	r.Sum = content.Sum(b)
	full, err := filepath.Abs(file)
	if err != nil {
		return r, err
	}
	parts := strings.Split(filepath.ToSlash(full), "/")
	if n := len(parts); n > 4 && isRelease(parts[n-4]) {
		r.Release, r.Name, r.Arch = parts[n-4], parts[n-3], parts[n-2]
	} else if r.Release, r.Name = r.Index.Description, "main"; len(r.Index.Packages) > 0 {
		r.Release, _, _ = strings.Cut(r.Release, "-")
		r.Arch = mostOften(r.Index.Packages)
	}
	r.Release = branch(r.Release)
	if !apk.ValidName(r.Release) || !apk.ValidName(r.Name) || !apk.ValidName(r.Arch) {
		return r, &patch.Error{Kind: patch.Invalid, What: "cannot tell which release, repository and architecture it is for",
			Do: "Put it where a mirror has it: v3.20/main/x86_64/" + indexName + "."}
	}
	return r, nil
}

func isRelease(s string) bool {
	return s == "edge" || len(s) > 1 && s[0] == 'v' && strings.Trim(s[1:], "0123456789.") == ""
}

// branch gives "3.20" for v3.20 and v3.20.3.
func branch(s string) string {
	parts := strings.SplitN(strings.TrimPrefix(s, "v"), ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

func mostOften(packages []apk.Package) string {
	count := map[string]int{}
	best := ""
	for _, p := range packages {
		if count[p.Arch]++; count[p.Arch] > count[best] && p.Arch != "noarch" {
			best = p.Arch
		}
	}
	return best
}

// attach gives the fixes to the repositories of their release and name, whatever the architecture.
func attach(repos []Repository, db apk.SecDB) error {
	found := false
	for i := range repos {
		if repos[i].Release == branch(db.Release) && repos[i].Name == db.Repo {
			repos[i].Fixes = append(repos[i].Fixes, db.Fixes...)
			found = true
		}
	}
	if !found {
		return &patch.Error{Kind: patch.Invalid, What: phrase.Of("there is no index of {1} {2}", cmp.Or(db.Release, "its release"), db.Repo),
			Why: "a security database names source packages, and only the index tells which packages they are made into",
			Do:  "Give the index of that release and repository too."}
	}
	return nil
}

func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &patch.Error{Kind: patch.NotFound, What: phrase.Of("cannot open {1}", path), Err: err}
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot read {1}", path), Err: err}
	case int64(len(b)) > limit:
		return nil, patch.Errorf(patch.Exhausted, "%s is larger than %d MiB", path, limit>>20)
	}
	return b, nil
}
