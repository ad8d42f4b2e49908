package probe

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

const (
	// maxText bounds a file whose lines are asked for, keptText how much of such files is remembered.
	maxText  = 16 << 20
	keptText = 4 << 20
	// maxMatches bounds what one pattern finds in one file.
	maxMatches = 20_000
)

// contents gives a file's text for patterns. What is no regular file, or a link to nothing, has none and is left out, as OpenSCAP does.
func (g *gathering) contents(dir, name string) (s string, found bool) {
	path := join(dir, name)
	if s, ok := g.m.texts[path]; ok {
		return s, true
	}
	b, err := g.m.tree.read(path, maxText)
	switch {
	case errors.Is(err, errNotRegular) || gone(err):
		return "", false
	case err != nil:
		g.broken("cannot read "+path+": "+err.Error(), g.place(dir, name)...)
		return "", false
	}
	if s = string(b); len(s) < keptText/4 {
		if g.m.kept += len(s); g.m.kept > keptText || g.m.texts == nil {
			g.m.texts, g.m.kept = map[string]string{}, len(s)
		}
		g.m.texts[path] = s
	}
	return s, true
}

// textfilecontent54 answers what matches a pattern in files (OVAL's independent schema). The deprecated class textfilecontent asks for
// "line" and gives every match.
func (g *gathering) textfilecontent54() {
	want, instance := g.entity("pattern"), g.entity("instance")
	if want == nil {
		want = g.entity("line")
	}
	if want == nil {
		g.fail("the object names no pattern")
		return
	}
	options := item.PatternOptions{IgnoreCase: isTrue(g.behavior("ignore_case", "false")), Multiline: isTrue(g.behavior("multiline", "true")),
		Singleline: isTrue(g.behavior("singleline", "false"))}
	for _, expr := range want.Values {
		p, err := item.CompilePattern(expr, options)
		if err != nil {
			g.fail(err.Error())
			return
		}
		g.files(func(dir, name string) {
			if name == "" {
				return
			}
			if s, ok := g.contents(dir, name); ok {
				g.lines(p, expr, instance, s, dir, name)
			}
		})
	}
}

func isTrue(s string) bool { return s == "true" || s == "1" }

// lines gives an item for each match that is wanted, which are counted from 1, or from -1 backwards.
func (g *gathering) lines(p *item.Pattern, expr string, instance *item.Wanted, s, dir, name string) {
	limit := maxMatches
	if n, ok := single(instance); ok && n > 0 {
		limit = min(limit, n)
	}
	all, err := p.All(s, limit)
	if err != nil {
		g.broken(err.Error(), g.place(dir, name)...)
		return
	}
	if len(all) == maxMatches {
		g.miss("there are more than 20,000 matches in " + join(dir, name))
	}
	for i, groups := range all {
		n := i + 1
		if !g.is(instance, strconv.Itoa(n)) {
			if n = i - len(all); instance == nil || g.none || !g.is(instance, strconv.Itoa(n)) || instance.Operation != item.Equals {
				continue
			}
		}
		f := append(g.place(dir, name), text("pattern", expr), typed("instance", "int", strconv.Itoa(n)))
		if g.r.Wants("line") {
			f = append(f, text("line", groups[0].Text))
		}
		if g.r.Wants("text") {
			f = append(f, text("text", groups[0].Text))
		}
		if g.r.Wants("subexpression") {
			for _, x := range groups[1:] {
				if x.In {
					f = append(f, text("subexpression", x.Text))
				}
			}
		}
		g.add(f...)
	}
}

// single gives the number that an entity asks for, where it asks for just one.
func single(w *item.Wanted) (int, bool) {
	if w == nil || w.Operation != item.Equals || len(w.Values) != 1 {
		return 0, false
	}
	n, err := strconv.Atoi(w.Values[0])
	return n, err == nil
}

var hashes = []struct {
	name, field string // field: of the deprecated class filehash
	make        func() hash.Hash
}{{"MD5", "md5", md5.New}, {"SHA-1", "sha1", sha1.New}, {"SHA-224", "", sha256.New224}, {"SHA-256", "", sha256.New},
	{"SHA-384", "", sha512.New384}, {"SHA-512", "", sha512.New}}

// filehash58 gives an item for each wanted kind of hash.
func (g *gathering) filehash58() {
	kinds := g.entity("hash_type")
	g.files(func(dir, name string) {
		for _, h := range hashes {
			if name == "" || !g.is(kinds, h.name) {
				continue
			}
			f := append(g.place(dir, name), text("hash_type", h.name))
			if g.r.Wants("hash") {
				if sum, ok := g.hash(dir, name, h.make(), f); ok {
					f = append(f, text("hash", sum))
				} else {
					continue
				}
			}
			g.add(f...)
		}
	})
}

func (g *gathering) filehash() {
	g.files(func(dir, name string) {
		if name == "" {
			return
		}
		f := g.place(dir, name)
		for _, h := range hashes[:2] {
			if !g.r.Wants(h.field) {
				continue
			}
			sum, ok := g.hash(dir, name, h.make(), f)
			if !ok {
				return
			}
			f = append(f, text(h.field, sum))
		}
		g.add(f...)
	})
}

// hash reads a file through. What is no regular file is left out; what cannot be read is an item with that error.
func (g *gathering) hash(dir, name string, h hash.Hash, f []patch.Field) (string, bool) {
	file, err := g.m.tree.regular(join(dir, name))
	if err == nil {
		defer file.Close()
		_, err = io.Copy(h, file)
	}
	if errors.Is(err, errNotRegular) {
		return "", false
	}
	if err != nil {
		if err == unix.ENOENT {
			err = errors.New("it links to nothing")
		}
		g.broken("cannot read "+join(dir, name)+": "+err.Error(), f...)
		return "", false
	}
	return hex.EncodeToString(h.Sum(nil)), true
}
