package rpm

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	"github.com/fettle-project/fettle/internal/patch"
)

// maxModule bounds one document of a modules.yaml in bytes; the largest real one has 300 KB.
const maxModule = 1 << 20

// Module is one modulemd document of version 2: a build of a stream and its packages.
type Module struct {
	Name, Stream string
	Artifacts    []NEVRA
}

// Stream is how packages and machines name it: "nodejs:18".
func (m *Module) NameStream() string { return m.Name + ":" + m.Stream }

// document is what is read of a modulemd document; other kinds and fields do not matter here.
type document struct {
	Document string `yaml:"document"`
	Version  int    `yaml:"version"`
	Data     struct {
		Name      string `yaml:"name"`
		Stream    string `yaml:"stream"`
		Artifacts struct {
			RPMs []string `yaml:"rpms"`
		} `yaml:"artifacts"`
	} `yaml:"data"`
}

// ParseModules reads a modules.yaml and gives each module build to use. Documents of other kinds (defaults, translations, obsoletes)
// are passed over; one that is no YAML or has no name is an error, because its packages would be taken for packages of no module.
func ParseModules(r io.Reader, use func(Module) error) error {
	bad := func(err error) error {
		return &patch.Error{Kind: patch.Invalid, What: "cannot read the file modules.yaml", Err: err}
	}
	lines := bufio.NewReaderSize(r, 64<<10)
	var doc []byte
	for ended := false; !ended; {
		text, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull): // the rest of the line comes next
		case errors.Is(err, io.EOF):
			ended = true
		case err != nil:
			return bad(err)
		}
		marker := bytes.HasPrefix(text, []byte("---")) || bytes.HasPrefix(text, []byte("..."))
		if marker || ended {
			if !marker {
				doc = append(doc, text...)
			}
			if err := useDocument(doc, use); err != nil {
				return bad(err)
			}
			doc = doc[:0]
			continue
		}
		if doc = append(doc, text...); len(doc) > maxModule {
			return bad(fmt.Errorf("a document has more than %d bytes", maxModule))
		}
	}
	return nil
}

func useDocument(b []byte, use func(Module) error) error {
	if len(bytes.TrimSpace(b)) == 0 {
		return nil
	}
	var d document
	if err := yaml.Unmarshal(b, &d); err != nil {
		return err
	}
	if d.Document != "modulemd" || d.Version != 2 {
		return nil
	}
	m := Module{Name: word(d.Data.Name), Stream: word(d.Data.Stream)}
	if m.Name == "" || m.Stream == "" {
		return errors.New("a module has no usable name and stream")
	}
	for _, a := range d.Data.Artifacts.RPMs {
		if n, ok := ParseNEVRA(a); ok {
			m.Artifacts = append(m.Artifacts, n)
		}
	}
	return use(m)
}
