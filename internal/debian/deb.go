package debian

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"io"
	"path"
	"strings"
)

const (
	maxControl   = 64 << 20 // plain bytes of control.tar
	maxData      = 8 << 30  // plain bytes of data.tar that are looked through for a changelog
	maxChangelog = 16 << 20
	maxTarFiles  = 2_000_000
)

// Deb is what a .deb says about itself.
type Deb struct {
	Control Paragraph
	// Changelog is the Debian changelog, newest entry first; empty where the package has none of its own (a link into another
	// package's directory is common).
	Changelog []Change
}

// ReadDeb reads a .deb's control paragraph and changelog. Nothing is ever unpacked to disk. The caller has verified the bytes;
// the limits hold all the same.
func ReadDeb(r io.Reader) (Deb, error) {
	var d Deb
	ar := arReader{r: r}
	for {
		name, err := ar.next()
		switch {
		case errors.Is(err, io.EOF):
			if d.Control == nil {
				return d, fault("the .deb has no control data")
			}
			return d, nil
		case err != nil:
			return d, err
		case strings.HasPrefix(name, "control.tar"):
			if d.Control, err = readControl(Decompress(name, &ar.member, maxControl)); err != nil {
				return d, err
			}
		case strings.HasPrefix(name, "data.tar"):
			if d.Control == nil {
				return d, fault("the .deb has its data before its control data")
			}
			d.Changelog, err = readChangelog(Decompress(name, &ar.member, maxData), d.Control.Get("Package"))
			return d, err
		}
	}
}

// ReadDebControl reads only the control paragraph of a .deb.
func ReadDebControl(r io.Reader) (Paragraph, error) {
	ar := arReader{r: r}
	for {
		name, err := ar.next()
		if errors.Is(err, io.EOF) {
			return nil, fault("the .deb has no control data")
		}
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(name, "control.tar") {
			return readControl(Decompress(name, &ar.member, maxControl))
		}
	}
}

// ReadDebPaths gives the paths of a .deb's files as its sums list them, from "usr/" on; nil where it has no sums. Configuration files are not among them.
func ReadDebPaths(r io.Reader) ([]string, error) {
	ar := arReader{r: r}
	for {
		name, err := ar.next()
		if errors.Is(err, io.EOF) {
			return nil, fault("the .deb has no control data")
		}
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(name, "control.tar") {
			continue
		}
		_, f, err := findFile(Decompress(name, &ar.member, maxControl), func(name string) bool { return name == "md5sums" })
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, fault("cannot read the .deb's control data: %w", err)
		}
		paths := []string{}
		for lines := bufio.NewScanner(f); ; {
			if !lines.Scan() {
				return paths, lines.Err()
			}
			if _, file, ok := strings.Cut(lines.Text(), "  "); ok {
				paths = append(paths, file)
			}
		}
	}
}

// findFile reads a tar up to the first regular file that want accepts.
func findFile(r io.Reader, want func(name string) bool) (string, io.Reader, error) {
	tr := tar.NewReader(r)
	for range maxTarFiles {
		h, err := tr.Next()
		if err != nil {
			return "", nil, err
		}
		if name := strings.TrimPrefix(h.Name, "./"); h.Typeflag == tar.TypeReg && want(name) {
			return name, tr, nil
		}
	}
	return "", nil, fault("the .deb holds more than %d files", maxTarFiles)
}

func readControl(r io.Reader) (Paragraph, error) {
	_, f, err := findFile(r, func(name string) bool { return name == "control" })
	if errors.Is(err, io.EOF) {
		return nil, fault("the .deb's control data has no control file")
	}
	if err != nil {
		return nil, fault("cannot read the .deb's control data: %w", err)
	}
	for p, err := range Paragraphs(io.LimitReader(f, maxStanza)) {
		if err != nil {
			return nil, err
		}
		if !ValidName(p.Get("Package")) || !ValidVersion(p.Get("Version")) || !ValidArch(p.Get("Architecture")) {
			return nil, fault("the .deb's control file does not name a valid package, version and architecture")
		}
		return p, nil
	}
	return nil, fault("the .deb's control file is empty")
}

func readChangelog(r io.Reader, pkg string) ([]Change, error) {
	dir := "usr/share/doc/" + pkg + "/"
	name, f, err := findFile(r, func(name string) bool {
		return name == dir+"changelog.Debian.gz" || name == dir+"changelog.gz" || name == dir+"changelog.Debian"
	})
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, fault("cannot read the .deb's files: %w", err)
	}
	b, err := io.ReadAll(Decompress(path.Base(name), f, maxChangelog))
	if err != nil {
		return nil, err
	}
	return ParseChangelog(bytes.NewReader(b))
}
