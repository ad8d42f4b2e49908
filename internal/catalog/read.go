package catalog

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"strings"
	"unicode"

	apt "github.com/fettle-project/fettle/internal/candidate"
	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/detect"
)

// debFile is one binary package as its index gives it. Its strings share one allocation.
type debFile struct {
	name, arch, version   string
	source, sourceVersion string
	filename              string
	description           string
	depends               string // Pre-Depends and Depends
	breaks                string // Breaks and Conflicts
	provides              string
	size                  int64
	sha256                [32]byte
	from                  int // index of its Source
	provenance            *detect.Provenance
	unclear               string // why it cannot be offered
}

// readIndex decompresses in one goroutine and parses in another.
func readIndex(ctx context.Context, from int, s Source) ([]debFile, error) {
	f, err := s.Open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	ahead := readAhead(ctx, debian.Decompress(s.Origin.IndexPath, f, debian.MaxPackages))
	defer ahead.stop()
	var all []debFile
	out := map[int]*detect.Provenance{} // by for how many percent of machines it is out
	err = debian.ScanPackages(ahead, func(st debian.Stanza) error {
		b := take(from, st)
		if out[st.Phased] == nil {
			out[st.Phased] = &detect.Provenance{Archive: s.archive(), Phased: st.Phased}
		}
		b.provenance = out[st.Phased]
		all = append(all, b)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read %s of %s: %w", s.Origin.IndexPath, s.Origin.Suite, err)
	}
	return all, nil
}

// archive is the index as machines' policies see it.
func (s *Source) archive() apt.Archive {
	a := apt.Archive{Suite: s.Origin.Suite, Component: s.Origin.Component, Arch: s.Origin.Arch, Release: s.About}
	if u, err := url.Parse(s.URI); err == nil {
		a.Site = u.Hostname()
	}
	return a
}

func take(from int, s debian.Stanza) debFile {
	var b strings.Builder
	comma := []byte{','}
	parts := [...][]byte{s.Package, s.Architecture, s.Version, s.Source, s.SourceVersion, s.Filename, plainText(s.Description), s.Provides,
		s.PreDepends, comma, s.Depends, s.Breaks, comma, s.Conflicts}
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	b.Grow(n)
	for _, p := range parts {
		b.Write(p)
	}
	text := b.String()
	cut := func(p []byte) string {
		s := text[:len(p)]
		text = text[len(p):]
		return s
	}
	bin := debFile{from: from, size: s.Size}
	bin.name, bin.arch, bin.version = cut(parts[0]), cut(parts[1]), cut(parts[2])
	bin.source, bin.sourceVersion = cut(parts[3]), cut(parts[4])
	bin.filename, bin.description, bin.provides = cut(parts[5]), cut(parts[6]), cut(parts[7])
	bin.depends, bin.breaks = text[:len(text)-len(s.Breaks)-len(comma)-len(s.Conflicts)], text[len(s.PreDepends)+len(comma)+len(s.Depends):]
	bin.unclear = bin.fault(s.SHA256)
	return bin
}

// fault says why the package cannot be offered as it is described; empty where it can.
func (b *debFile) fault(sum []byte) string {
	n, err := hex.Decode(b.sha256[:], sum[:min(len(sum), 64)])
	switch {
	case !debian.ValidName(b.name):
		return fmt.Sprintf("the vendor's index calls a package %.40q, which is not a valid name", b.name)
	case !debian.ValidArch(b.arch):
		return fmt.Sprintf("%s has the architecture %.40q, which is not a valid name", b.name, b.arch)
	case !debian.ValidVersion(b.version):
		return fmt.Sprintf("%s has the version %.40q, which is none", b.name, b.version)
	case !debian.ValidName(b.source) || !debian.ValidVersion(b.sourceVersion):
		return fmt.Sprintf("%s comes from the source %.40q %.40q, which is not a valid name and version", b.name, b.source, b.sourceVersion)
	case err != nil || n != 32 || len(sum) != 64:
		return fmt.Sprintf("the vendor's index gives no SHA-256 for %s", b.name)
	case b.size <= 0:
		return fmt.Sprintf("the vendor's index gives no size for %s", b.name)
	case !cleanPath(b.filename):
		return fmt.Sprintf("the vendor's index gives no usable file name for %s", b.name)
	}
	return ""
}

// cleanPath accepts file names that stay below the archive's base address.
func cleanPath(s string) bool {
	if s == "" || len(s) > 1024 || s[0] == '/' || path.Clean(s) != s || s == ".." || strings.HasPrefix(s, "../") {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' })
}

const maxDescription = 160

// plainText makes a short description safe for one line of any terminal or page; nearly always it already is.
func plainText(b []byte) []byte { return plainTextOf(b, maxDescription) }

func plainTextOf(b []byte, limit int) []byte {
	if len(b) > limit {
		b = b[:limit]
	}
	for _, c := range b {
		if c < ' ' || c >= 0x7f {
			return []byte(strings.Map(func(r rune) rune {
				if unicode.IsPrint(r) && r != unicode.ReplacementChar {
					return r
				}
				return -1
			}, strings.ToValidUTF8(string(b), "")))
		}
	}
	return b
}

// ahead reads a stream a few blocks before they are asked for.
type ahead struct {
	blocks chan []byte
	free   chan []byte
	errs   chan error
	cancel context.CancelFunc
	done   chan struct{}
	cur    []byte
	whole  []byte
	err    error
}

const aheadBlock = 256 << 10

func readAhead(ctx context.Context, r io.Reader) *ahead {
	ctx, cancel := context.WithCancel(ctx)
	a := &ahead{blocks: make(chan []byte, 8), free: make(chan []byte, 10), errs: make(chan error, 1), cancel: cancel, done: make(chan struct{})}
	for range cap(a.free) {
		a.free <- nil // made when it is needed: most indexes of a small archive fit into one
	}
	go func() {
		defer close(a.done)
		defer close(a.blocks)
		for {
			var b []byte
			select {
			case b = <-a.free:
			case <-ctx.Done():
			}
			if err := ctx.Err(); err != nil {
				a.errs <- err
				return
			}
			if b == nil {
				b = make([]byte, aheadBlock)
			}
			n, err := io.ReadFull(r, b[:aheadBlock])
			if n > 0 {
				a.blocks <- b[:n]
			}
			if errors.Is(err, io.ErrUnexpectedEOF) && n > 0 {
				continue // the end, or the stream's own error, comes with the next read
			}
			if err != nil {
				a.errs <- err
				return
			}
		}
	}()
	return a
}

func (a *ahead) Read(p []byte) (int, error) {
	for len(a.cur) == 0 {
		if a.whole != nil {
			a.free <- a.whole
			a.whole = nil
		}
		b, ok := <-a.blocks
		if !ok {
			if a.err == nil {
				a.err = <-a.errs
			}
			return 0, a.err
		}
		a.cur, a.whole = b, b
	}
	n := copy(p, a.cur)
	a.cur = a.cur[n:]
	return n, nil
}

// stop ends the reading goroutine and waits for it.
func (a *ahead) stop() {
	a.cancel()
	for range a.blocks {
	}
	<-a.done
}
