package api

import (
	"context"
	"log/slog"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/prediction"
)

// Prediction says which machines need a patch of the newest list that they have not detected against yet. Nothing in it was detected: it
// is the engine's word over the facts that each machine sent last, as old as they are. What was detected is the patch's rows.
type Prediction struct {
	Patch    patch.ID         `json:"patch"`
	OS       patch.HostOS     `json:"os"`
	Revision patch.RevisionID `json:"revision"` // whose definition was asked
	Complete bool             `json:"complete"` // false while the appliance, started anew, still reads stored facts
	Indexed  int              `json:"indexed"`  // machines whose facts it has read
	Detected int              `json:"detected"` // machines of the OS that have detected against the patch: none of them is predicted for
	Machines int              `json:"machines"` // predicted for
	Counts   map[string]int   `json:"counts"`   // predicted verdicts
	Rows     []PredictedRow   `json:"rows"`
	Total    int              `json:"total"` // rows that match
}

// PredictedRow is one machine's.
type PredictedRow struct {
	prediction.Row
	AgeSeconds int64 `json:"age_seconds"` // of the facts
}

// predict answers for ?verdict=… (default: not-patched) and ?limit=….
func (s *people) predict(c *call) (any, error) {
	row, err := s.patch(c, c.PathValue("patch"))
	if err != nil {
		return nil, err
	}
	limit, err := c.number("limit", 100, 1_000_000)
	if err != nil {
		return nil, err
	}
	wanted := list[string](c, "verdict")
	if len(wanted) == 0 {
		wanted = []string{patch.NotPatched.String()}
	}
	show := map[patch.Verdict]bool{}
	for _, name := range wanted {
		var v patch.Verdict
		if err := v.UnmarshalText([]byte(name)); err != nil {
			return nil, err
		}
		show[v] = true
	}
	return s.predicted(c.Context(), row, show, limit)
}

func (s *people) predicted(ctx context.Context, row patch.PatchRow, show map[patch.Verdict]bool, limit int) (*Prediction, error) {
	q, revision, err := s.question(ctx, row)
	if err != nil {
		return nil, err
	}
	a, err := s.Facts.Index.Predict(q)
	if err != nil {
		return nil, err
	}
	p := &Prediction{
		Patch: row.ID, OS: row.OS, Revision: revision, Complete: a.Whole, Indexed: a.Indexed, Detected: a.Detected, Machines: len(a.Rows),
		Counts: map[string]int{}, Rows: []PredictedRow{},
	}
	for v, n := range a.Counts {
		if n > 0 {
			p.Counts[patch.Verdict(v).String()] = n
		}
	}
	var rows []prediction.Row
	for _, r := range a.Rows {
		if show[r.Verdict] {
			if p.Total++; p.Total <= limit {
				rows = append(rows, r)
			}
		}
	}
	a.Explain(rows)
	for _, r := range rows {
		p.Rows = append(p.Rows, PredictedRow{r, int64(s.Now().Sub(r.FactsAt) / time.Second)})
	}
	return p, nil
}

// question finds the patch's newest definition, and which revisions' detects have judged it.
func (s *people) question(ctx context.Context, row patch.PatchRow) (q prediction.Question, revision patch.RevisionID, err error) {
	left := &patch.Error{Kind: patch.Conflict, What: phrase.Of("nothing can be predicted about {1}", string(row.ID)), Why: phrase.Of("it is not on the newest list of {1}", string(row.OS))}
	meta, ok := s.Catalog.Meta(row.OS)
	if !ok {
		return q, "", left
	}
	if q.Signatures, err = s.Catalog.Signatures(ctx, row.OS, meta.ID); err != nil {
		return q, "", err
	}
	list, err := s.Catalog.ListOf(ctx, row.OS, meta.ID)
	if err != nil {
		return q, "", err
	}
	if q.Number, ok = list.Index(row.ID); !ok || q.Number >= q.Signatures.Len() {
		return q, "", left
	}
	q.OS = row.OS
	q.Covers = func(r patch.RevisionID) bool {
		l, err := s.Catalog.ListOf(ctx, row.OS, r)
		if err != nil {
			return false
		}
		_, listed := l.Index(row.ID)
		return listed
	}
	return q, meta.ID, nil
}

// noteFacts keeps the prediction's index as storage is. What it misses now it finds when all machines are looked at again.
func (a *Appliance) noteFacts(ctx context.Context, id patch.MachineID) {
	if a.Facts == nil {
		return
	}
	if err := a.Facts.Note(ctx, id); err != nil && ctx.Err() == nil {
		a.Log.WarnContext(ctx, "facts not indexed", slog.String("machine", string(id)), slog.Any("error", err))
	}
}
