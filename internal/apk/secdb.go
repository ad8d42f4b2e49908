package apk

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// SecDB says which version of each source package of a repository fixed which vulnerabilities.
type SecDB struct {
	Release string // "v3.20", "edge"
	Repo    string // "main"
	Fixes   []Fix  // sorted by origin, then as the file has them
}

// Fix is one version of a source package that fixed something.
type Fix struct {
	Origin  string
	Version string   // "0": the vulnerabilities never affected the package
	Fixed   []string // the names of what was fixed, each once: "CVE-2024-5535", "XSA-248"
	// Unclear says why the entry could not be understood; the rest is then as far as it could be read.
	Unclear string
}

// NotAffected reports whether the entry names vulnerabilities that the package never had.
func (f Fix) NotAffected() bool { return f.Version == "0" }

const (
	maxFixes = 100_000
	maxEntry = 512 << 10 // bytes of one package's entry
)

// ParseSecDB reads a security database as secdb.alpinelinux.org serves it. An entry whose shape is not the expected one is kept and
// marked; where the whole is no such database it fails.
func ParseSecDB(b []byte) (SecDB, error) {
	if len(b) > MaxSecDB {
		return SecDB{}, fault("it is larger than %d MiB", MaxSecDB>>20)
	}
	var db SecDB
	if err := db.read(json.NewDecoder(bytes.NewReader(b))); err != nil {
		return SecDB{}, err
	}
	if !ValidName(db.Release) || !ValidName(db.Repo) {
		return SecDB{}, fault("it does not name its release and repository (%s, %s)", short(db.Release), short(db.Repo))
	}
	slices.SortStableFunc(db.Fixes, func(a, b Fix) int { return cmp.Compare(a.Origin, b.Origin) })
	return db, nil
}

// read goes over the top object value by value, so that no shape of it takes more memory than its bytes.
func (db *SecDB) read(dec *json.Decoder) error {
	garbled := func(err error) error { return fault("it is not a security database: %v", err) }
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return garbled(cmp.Or(err, errors.New("it is not a JSON object")))
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return garbled(err)
		}
		switch key {
		case "distroversion":
			err = dec.Decode(&db.Release)
		case "reponame":
			err = dec.Decode(&db.Repo)
		case "packages":
			err = db.readPackages(dec)
		default:
			var skipped json.RawMessage
			err = dec.Decode(&skipped)
		}
		if err != nil {
			return garbled(err)
		}
	}
	if _, err := dec.Token(); err != nil {
		return garbled(err)
	}
	return nil
}

func (db *SecDB) readPackages(dec *json.Decoder) error {
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return cmp.Or(err, errors.New("its packages are no list"))
	}
	for dec.More() {
		var entry json.RawMessage
		if err := dec.Decode(&entry); err != nil {
			return err
		}
		db.Fixes = append(db.Fixes, fixesOf(entry)...)
		if len(db.Fixes) > maxFixes {
			return fault("it names more than %d fixes", maxFixes)
		}
	}
	_, err := dec.Token()
	return err
}

func fixesOf(raw json.RawMessage) []Fix {
	var entry struct {
		Pkg struct {
			Name     string                     `json:"name"`
			Secfixes map[string]json.RawMessage `json:"secfixes"`
		} `json:"pkg"`
	}
	if len(raw) > maxEntry {
		return []Fix{{Unclear: "an entry of the security database is larger than 512 KiB"}}
	}
	err := json.Unmarshal(raw, &entry)
	name := entry.Pkg.Name
	switch {
	case err != nil:
		return []Fix{{Origin: name, Unclear: "the entry in the security database is not of the expected shape"}}
	case !ValidName(name):
		return []Fix{{Origin: name, Unclear: "the security database names a package that cannot be one: " + short(name)}}
	}
	versions := make([]string, 0, len(entry.Pkg.Secfixes))
	for v := range entry.Pkg.Secfixes {
		versions = append(versions, v)
	}
	slices.Sort(versions)
	var out []Fix
	for _, v := range versions {
		out = append(out, fixOf(name, v, entry.Pkg.Secfixes[v]))
	}
	return out
}

// fixOf reads one list; an element may hold several names between blanks, and a list may be null.
func fixOf(name, version string, raw json.RawMessage) Fix {
	f := Fix{Origin: name, Version: version}
	var list []string
	if err := json.Unmarshal(raw, &list); err != nil {
		f.Unclear = "its list of fixes is not of the expected shape"
		return f
	}
	for _, element := range list {
		for word := range strings.FieldsSeq(element) {
			if word = strings.Trim(word, "(),;+"); ValidName(word) && !slices.Contains(f.Fixed, word) {
				f.Fixed = append(f.Fixed, word)
			}
		}
	}
	return f
}
