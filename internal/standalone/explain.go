package standalone

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// maxExplained is how many patches one text may mean before it is too general to be answered.
const maxExplained = 40

// Explain says why patches have the verdict they have. The text is a patch's ID, or the name of a source or binary package, which may
// mean several patches: all of them are explained, the missing ones first.
func Explain(ctx context.Context, o Options, text string) error {
	j, err := o.load(ctx, false)
	if err != nil {
		return err
	}
	defer j.bundle.Close()
	if j.result, err = j.signatures.Evaluate(&j.facts); err != nil {
		return err
	}
	list, err := j.list()
	if err != nil {
		return err
	}
	meant, err := j.resolve(list, text)
	if err != nil {
		return err
	}
	findings := make([]patch.Finding, 0, len(meant))
	for _, i := range meant {
		f := j.signatures.Find(&j.facts, i)
		f.ID, f.Title = list.At(i).ID, list.At(i).Title
		findings = append(findings, f)
	}
	w := bufio.NewWriter(o.Out)
	if o.JSON {
		err = j.writeExplainJSON(w, findings)
	} else {
		for i, f := range findings {
			if i > 0 {
				w.WriteString("\n")
			}
			writeFinding(w, f)
		}
	}
	if err != nil {
		return err
	}
	return w.Flush()
}

// resolve finds the patches that a text means: by ID, else by source package, else by binary package.
func (j *judged) resolve(list *catalog.List, text string) ([]int, error) {
	if i, ok := list.Index(patch.ID(text)); ok {
		return []int{i}, nil
	}
	var found []int
	for i := range list.Len() {
		if parts := strings.Split(string(list.At(i).ID), "/"); len(parts) == 3 && (parts[1] == text || parts[1]+"/"+parts[2] == text) {
			found = append(found, i)
		}
	}
	if len(found) == 0 {
		found = j.signatures.Carriers(text)
	}
	switch {
	case len(found) == 0:
		return nil, &patch.Error{Kind: patch.NotFound, What: phrase.Format("no patch of %s is called %q", j.facts.OS.Key, text),
			Why: "the catalog has no such patch, source package or binary package", Do: "Name one, for example \"perl\" or a patch's whole ID."}
	case len(found) > maxExplained:
		return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Format("%q means %d patches", text, len(found)), Do: phrase.Of("Name one by its ID, for example {1}.", string(list.At(found[0]).ID))}
	}
	order := [...]int{patch.NotPatched: 0, patch.Faulty: 1, patch.Patched: 2, patch.NotApplicable: 3}
	slices.SortStableFunc(found, func(a, b int) int {
		return order[j.result.Verdicts.At(a)] - order[j.result.Verdicts.At(b)]
	})
	return found, nil
}

func (j *judged) writeExplainJSON(w *bufio.Writer, findings []patch.Finding) error {
	w.WriteString(j.jsonHead())
	for i, f := range findings {
		b, err := json.Marshal(f)
		if err != nil {
			return patch.Errorf(patch.Internal, "cannot encode a finding: %w", err)
		}
		if i > 0 {
			w.WriteString(",\n")
		}
		w.Write(b)
	}
	_, err := w.WriteString("\n]}\n")
	return err
}

func writeFinding(w *bufio.Writer, f patch.Finding) {
	fmt.Fprintf(w, "%s\n  %s\n  %s: %s\n", f.ID, f.Title, f.Verdict, f.Reason.Text)
	for _, c := range f.Reason.Clauses {
		fmt.Fprintf(w, "    %s expected %s; seen %s", c.Subject, c.Expected, c.Seen)
		if c.From != "" {
			fmt.Fprintf(w, " (%s)", c.From)
		}
		w.WriteString("\n")
	}
	for _, p := range f.Packages {
		fmt.Fprintf(w, "  package %s:%s installed %s, the patch has %s\n", p.Name, p.Arch, p.Installed, p.Fixed)
	}
}
