package standalone

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/patch"
)

// Report is the whole answer of a detect as `--json` prints it. It is written as a stream; docs/schema publishes its shape.
type Report struct {
	OS        patch.HostOS    `json:"os"`
	Catalog   ReportCatalog   `json:"catalog"`
	Evaluated int             `json:"evaluated"` // definitions that were judged: always all of them
	Patches   []patch.Finding `json:"patches"`   // in the list's order
	// Unmanaged are installed packages that no patch of the list is about, whatever their version: nobody's patches cover them.
	Unmanaged []UnmanagedPackage `json:"unmanaged,omitempty"`
}

// UnmanagedPackage is an installed package of no suite of the catalog.
type UnmanagedPackage struct {
	Name    string `json:"name"`
	Arch    string `json:"arch"`
	Version string `json:"version"`
}

// ReportCatalog names what was judged by.
type ReportCatalog struct {
	Revision patch.RevisionID `json:"revision"`
	Patches  int              `json:"patches"` // how many patches the list has
}

// writeJSON streams the whole answer; each patch on a line of its own.
func (j *judged) writeJSON(w *bufio.Writer) error {
	list, err := j.list()
	if err != nil {
		return err
	}
	findings, err := j.signatures.Findings(&j.facts)
	if err != nil {
		return err
	}
	w.WriteString(j.jsonHead())
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	i := 0
	for f := range findings {
		f.ID, f.Title = list.At(i).ID, list.At(i).Title
		if i++; i > 1 {
			w.WriteByte(',')
		}
		if err := enc.Encode(f); err != nil {
			return patch.Errorf(patch.Unavailable, "cannot write the answer: %w", err)
		}
	}
	return j.writeUnmanaged(w)
}

// writeUnmanaged ends the answer with the packages that no patch is about.
func (j *judged) writeUnmanaged(w *bufio.Writer) error {
	packages, err := j.signatures.Unmanaged(&j.facts)
	if err != nil {
		return err
	}
	w.WriteByte(']')
	if len(packages) > 0 {
		rows := make([]UnmanagedPackage, len(packages))
		for i, p := range packages {
			rows[i] = UnmanagedPackage{p.Name, p.Arch, p.Version}
		}
		b, err := json.Marshal(rows)
		if err != nil {
			return patch.Errorf(patch.Internal, "cannot write the answer: %w", err)
		}
		w.WriteString(`,"unmanaged":`)
		w.Write(b)
	}
	_, err = w.WriteString("}\n")
	return err
}

// list gives the list that names what was judged. It refuses a bundle whose list and signatures are not about the same patches in the same
// order.
func (j *judged) list() (*catalog.List, error) {
	list, err := j.bundle.List(j.facts.OS.Key)
	if err != nil {
		return nil, err
	}
	if list.Len() != j.signatures.Len() || !j.signatures.Agrees(func(i int) patch.ID { return list.At(i).ID }) {
		return nil, &patch.Error{Kind: patch.Untrusted, What: "the catalog's list and signatures do not belong together", Do: "Build the catalog again."}
	}
	return list, nil
}

func (j *judged) jsonHead() string {
	quote := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	return fmt.Sprintf(`{"os":%s,"catalog":{"revision":%s,"patches":%d},"evaluated":%d,"patches":[`+"\n", quote(string(j.facts.OS.Key)),
		quote(string(j.meta.ID)), j.signatures.Len(), j.result.Verdicts.Len())
}

// writeReport tells a person which patches are missing, and how many there are of each verdict.
func (j *judged) writeReport(w *bufio.Writer) error {
	fmt.Fprintf(w, "%s (%s)\ncatalog %s, %s patches", name(j.facts.OS), j.facts.OS.Key, j.meta.ID, thousands(j.signatures.Len()))
	if dated := j.meta.MetadataDate(); !dated.IsZero() {
		fmt.Fprintf(w, ", vendor data of %s", dated.UTC().Format("2006-01-02 15:04 MST"))
	}
	w.WriteString("\n\n")
	counts := j.result.Verdicts.Counts()
	if counts[patch.NotPatched]+counts[patch.Faulty] > 0 {
		list, err := j.list()
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "NOT PATCHED\tSUITE\tPACKAGE\tINSTALLED\tFIXED")
		find := j.signatures.Finder(&j.facts)
		for i := range j.result.Verdicts.Len() {
			if v := j.result.Verdicts.At(i); v == patch.NotPatched || v == patch.Faulty {
				f := find(i)
				f.ID = list.At(i).ID
				writeRow(table, f)
			}
		}
		table.Flush()
		w.WriteString("\n")
	}
	j.nameUnmanaged(w)
	j.writeCounts(w)
	return nil
}

// nameUnmanaged tells a person which packages no patch is about.
func (j *judged) nameUnmanaged(w *bufio.Writer) {
	packages, err := j.signatures.Unmanaged(&j.facts)
	if err != nil || len(packages) == 0 {
		return
	}
	const few = 3
	var names []string
	for _, p := range packages[:min(len(packages), few)] {
		names = append(names, p.Name+":"+p.Arch)
	}
	if more := len(packages) - few; more > 0 {
		names = append(names, fmt.Sprintf("and %s more", thousands(more)))
	}
	fmt.Fprintf(w, "In no suite of the catalog, so nobody's patches cover them: %s\n", strings.Join(names, ", "))
}

func writeRow(table *tabwriter.Writer, f patch.Finding) {
	suite, source := shortID(f.ID)
	switch f.Verdict {
	case patch.NotPatched:
		for _, p := range f.Packages {
			fmt.Fprintf(table, "%s\t%s\t%s:%s\t%s\t%s\n", source, suite, p.Name, p.Arch, p.Installed, p.Fixed)
			source, suite = "", ""
		}
		for _, n := range f.Brings {
			fmt.Fprintf(table, "\t\t%s:%s\tnew\t%s\n", n.Name, n.Arch, n.Version)
		}
		if len(f.Packages)+len(f.Brings) == 0 { // it is about something else
			fmt.Fprintf(table, "%s\t%s\t%s\t\t\n", source, suite, printable(f.Reason.Text.String()))
		}
	case patch.Faulty:
		fmt.Fprintf(table, "%s\t%s\terror: %s\t\t\n", source, suite, printable(f.Reason.Text.String()))
	}
}

// printable replaces what could move a terminal's cursor: reasons show what was seen on the machine.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

func (j *judged) writeCounts(w *bufio.Writer) {
	c := j.result.Verdicts.Counts()
	fmt.Fprintf(w, "%s not patched, %s patched, %s not applicable, %s errors: %s patches judged in %s\n", thousands(c[patch.NotPatched]),
		thousands(c[patch.Patched]), thousands(c[patch.NotApplicable]), thousands(c[patch.Faulty]), thousands(j.signatures.Len()),
		j.ended.Sub(j.started).Round(100*time.Microsecond))
}

// shortID takes "bookworm-security/perl/5.36.0-7" apart for a table.
func shortID(id patch.ID) (suite, rest string) {
	suite, rest, ok := strings.Cut(string(id), "/")
	if !ok {
		return "", string(id)
	}
	return suite, strings.Replace(rest, "/", " ", 1)
}

func name(o patch.OSFacts) string {
	if o.Pretty != "" {
		return o.Pretty
	}
	return string(o.Key)
}

// thousands writes 34589 as 34,589.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
