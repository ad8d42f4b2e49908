package agent

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Explanation is what this machine by itself can say about a patch: verdict, reason and evidence of the newest local snapshot, and the
// newest order's result. Approvals and windows are the appliance's to explain.
type Explanation struct {
	Seq      uint64           `json:"seq"`
	OS       patch.HostOS     `json:"os"`
	Revision patch.RevisionID `json:"revision"`
	Ended    time.Time        `json:"ended"`
	Order    string           `json:"order,omitempty"`
	Patches  []ExplainedPatch `json:"patches"`
}

// ExplainedPatch is one patch of an Explanation.
type ExplainedPatch struct {
	patch.Finding
	// Gates are those that this machine can judge by itself; the appliance's explanation has the same ones, and more.
	Gates []gate.Gate `json:"gates"`
	// Disagrees says that the snapshot's own verdict is another one than its facts give when they are judged once more.
	Disagrees string      `json:"disagrees,omitempty"`
	Item      *ItemStatus `json:"item,omitempty"` // in the newest order
}

// maxExplained bounds how many patches one question may be answered with.
const maxExplained = 20

// Explain answers for a patch by its ID, or for the patches of a source package by its name, from local files alone.
func Explain(cfg Config, what string) (Explanation, error) {
	cfg = cfg.withDefaults()
	l := cfg.layout()
	var st state
	if _, err := readJSON(l.state(), &st); err != nil {
		return Explanation{}, err
	}
	snap, _, found := readSnapshot(l)
	if !found {
		return Explanation{}, &patch.Error{Kind: patch.NotFound, What: "this machine has no snapshot yet", Do: "Start `fettle-agent run`, or use `fettle-agent detect` with a catalog file."}
	}
	sigs, f, err := localEvidence(l, st)
	if err != nil {
		return Explanation{}, err
	}
	e := Explanation{Seq: snap.Seq, OS: snap.OS, Revision: snap.Revision, Ended: snap.Ended}
	c, _, err := peekJournal(l)
	if err != nil {
		return e, err
	}
	list, err := localList(cfg, l, st, sigs)
	if err != nil {
		return e, err
	}
	here := cfg.local(l, st, snap)
	for i := range list {
		id := list[i].ID
		if id != patch.ID(what) && !ofSource(id, what) {
			continue
		}
		if len(e.Patches) == maxExplained {
			break
		}
		p := ExplainedPatch{Finding: sigs.Find(&f, i)}
		p.ID, p.Title = id, list[i].Title
		p.Gates = here.gates(list[i], i, p.Finding)
		if snap.Revision == st.Newest.ID && i < snap.Verdicts.Len() && snap.Verdicts.At(i) != p.Verdict {
			p.Disagrees = fmt.Sprintf("snapshot %d says %s, and its facts, judged once more, give %s", snap.Seq, snap.Verdicts.At(i), p.Verdict)
		}
		if c != nil {
			e.Order = c.Order.ID
			p.Item = c.find(id)
		}
		e.Patches = append(e.Patches, p)
	}
	if len(e.Patches) == 0 {
		return e, &patch.Error{Kind: patch.NotFound, What: phrase.Of("no patch on the list of {1} is called {2}", string(snap.OS), what), Do: "Give a patch's ID, or the name of its source package."}
	}
	return e, nil
}

// ofSource says whether an ID is of a source package: the middle part of suite/source/version.
func ofSource(id patch.ID, source string) bool {
	parts := strings.Split(string(id), "/")
	return len(parts) > 2 && parts[len(parts)-2] == source
}

func localEvidence(l layout, st state) (*detect.Signatures, patch.Facts, error) {
	var f patch.Facts
	b, err := readFile(l.on(), blob{Hash: st.Newest.Signatures, Dir: l.catalog()}.path())
	if err != nil {
		return nil, f, patch.Errorf(patch.NotFound, "cannot read the signatures of revision %s: %w", st.Newest.ID, err)
	}
	sigs, err := detect.Open(b)
	if err != nil {
		return nil, f, err
	}
	if b, err = readFile(l.on(), l.facts()); err != nil {
		return nil, f, patch.Errorf(patch.NotFound, "cannot read the facts of the newest snapshot: %w", err)
	}
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, f, patch.Errorf(patch.Internal, "cannot read the facts of the newest snapshot: %w", err)
	}
	return sigs, f, nil
}

// localList gives the patches that the signatures judge, in their order.
func localList(cfg Config, l layout, st state, sigs *detect.Signatures) ([]patch.Patch, error) {
	b, err := readFile(l.on(), blob{Hash: st.Newest.List, Dir: l.catalog()}.path())
	if err != nil {
		return nil, patch.Errorf(patch.NotFound, "cannot read the list of revision %s: %w", st.Newest.ID, err)
	}
	list, err := cfg.ReadList(b)
	if err != nil {
		return nil, err
	}
	if len(list) != sigs.Len() || !sigs.Agrees(func(i int) patch.ID { return list[i].ID }) {
		return nil, patch.Errorf(patch.Untrusted, "the list and the signatures of revision %s do not belong together", st.Newest.ID)
	}
	return list, nil
}

// find gives what the order says about a patch; nil where it is not in it.
func (c *course) find(id patch.ID) *ItemStatus {
	items := c.status().Items
	if i := slices.IndexFunc(items, func(s ItemStatus) bool { return s.Patch == id }); i >= 0 {
		return &items[i]
	}
	return nil
}
