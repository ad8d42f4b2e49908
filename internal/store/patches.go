package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// learned is what a changelog told about a patch: it stands above what lists say and outlives them.
type learned struct {
	cves     []string
	severity patch.Severity
	released time.Time
}

func (l learned) over(p patch.Patch) patch.Patch {
	if len(l.cves) > 0 {
		p.CVEs = l.cves
	}
	if l.severity != patch.NotGiven {
		p.Severity = l.severity
	}
	if !l.released.IsZero() {
		p.Released = l.released
	}
	return p
}

// searchText is what SearchPatches looks through: lower case, because LIKE minds it on PostgreSQL and not on SQLite.
func searchText(p patch.Patch) string {
	return strings.ToLower(string(p.ID) + " " + p.Title + " " + p.Source + " " + strings.Join(p.CVEs, " "))
}

// knownPatch is a stored patch with the texts that PutRevision compares and carries over.
type knownPatch struct {
	row     patch.PatchRow
	learned learned
	body    string // as the list said it
	cves    string // learned.cves as stored
}

const patchColumns = `os, id, ordinal, first_revision, gone_at, body, known_cves, known_severity, known_released`

// scanKnown reads all but what only the body says: decoding 35,000 of those takes longer than reading them.
func scanKnown(r scanner) (knownPatch, error) {
	var k knownPatch
	err := r.Scan(&k.row.OS, &k.row.ID, &k.row.Ordinal, &k.row.FirstRevision, stamp{&k.row.GoneAt}, &k.body, &k.cves, &k.learned.severity,
		stamp{&k.learned.released})
	if err == nil && k.cves != "" {
		err = document{&k.learned.cves}.Scan(k.cves)
	}
	return k, err
}

func scanWhole(r scanner) (knownPatch, error) {
	k, err := scanKnown(r)
	if err != nil {
		return k, err
	}
	err = document{&k.row.Patch}.Scan(k.body)
	k.row.Patch = k.learned.over(k.row.Patch)
	return k, err
}

func scanPatch(r scanner) (patch.PatchRow, error) {
	k, err := scanWhole(r)
	return k.row, err
}

func knownPatches(ctx context.Context, x session, os patch.HostOS) (map[patch.ID]knownPatch, error) {
	all, err := list(ctx, x, scanKnown, `SELECT `+patchColumns+` FROM patches WHERE os = $1`, os)
	if err != nil {
		return nil, err
	}
	known := make(map[patch.ID]knownPatch, len(all))
	for _, k := range all {
		known[k.row.ID] = k
	}
	return known, nil
}

// FindPatch gives a patch by its ID, gone ones too. Where several host OSes carry it, one whose list still does.
func (s *Store) FindPatch(ctx context.Context, id patch.ID) (patch.PatchRow, error) {
	p, err := find(ctx, s.read(), scanPatch, `SELECT `+patchColumns+` FROM patches WHERE id = $1
		ORDER BY CASE WHEN gone_at = 0 THEN 0 ELSE 1 END, os LIMIT 1`, id)
	return p, missing(err, "no list ever carried the patch %q", id)
}

// FindPatchOn gives a patch of one host OS.
func (s *Store) FindPatchOn(ctx context.Context, os patch.HostOS, id patch.ID) (patch.PatchRow, error) {
	p, err := find(ctx, s.read(), scanPatch, `SELECT `+patchColumns+` FROM patches WHERE os = $1 AND id = $2`, os, id)
	return p, missing(err, "no list of %s ever carried the patch %q", os, id)
}

// SearchPatches gives one page, newest first (of what one word finds, the patches of the source that is called so before all others), and the number of all that match.
func (s *Store) SearchPatches(ctx context.Context, f patch.PatchFilter) ([]patch.PatchRow, int, error) {
	w, err := s.patchConditions(f)
	if err != nil {
		return nil, 0, err
	}
	var total int
	if err := s.read().row(ctx, `SELECT COUNT(*) FROM patches`+w.String(), w.args, &total); err != nil {
		return nil, 0, fault(err, "cannot search patches")
	}
	order := patchOrder(f.Sort)
	if words := strings.Fields(strings.ToLower(f.Text)); len(words) == 1 && f.Sort == "" {
		w.args = append(w.args, "%/"+literally(words[0])+"/%")
		order = fmt.Sprintf(`CASE WHEN LOWER(id) LIKE $%d ESCAPE '!' THEN 0 ELSE 1 END, %s`, len(w.args), order)
	}
	rows, err := list(ctx, s.read(), scanPatch, `SELECT `+patchColumns+` FROM patches`+w.String()+` ORDER BY `+order+`, id, os`+
		page(f.Limit, f.Offset), w.args...)
	return rows, total, fault(err, "cannot search patches")
}

func patchOrder(by patch.PatchSort) string {
	if by == patch.ByScore {
		return `cvss DESC, released DESC`
	}
	return `released DESC`
}

func (s *Store) patchConditions(f patch.PatchFilter) (*where, error) {
	w := &where{engine: s.engine}
	if f.OS != "" {
		w.add(`os = ?`, f.OS)
	}
	if f.Category != "" {
		w.add(`category = ?`, f.Category)
	}
	if f.OS != "" && (f.Learned || f.Gone) {
		w.addFixed(`id > ''`) // so that SQLite takes the index of just these
	}
	if f.Learned {
		w.addFixed(`known_cves <> ''`)
	}
	switch {
	case f.Gone:
		w.addFixed(`gone_at <> 0`)
	case !f.IncludeGone:
		w.addFixed(`gone_at = 0`)
	}
	for _, word := range strings.Fields(strings.ToLower(f.Text)) {
		w.add(`search LIKE ? ESCAPE '!'`, "%"+literally(word)+"%")
	}
	if f.IDs != nil {
		if err := addOneOf(w, `id`, f.IDs); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// SetPatchFacts keeps what a changelog says about a patch, on every host OS that carries it; later revisions do not undo it.
// Empty values leave what is known. A patch that no list carries is NotFound.
func (s *Store) SetPatchFacts(ctx context.Context, id patch.ID, cves []string, severity patch.Severity, released time.Time) error {
	err := s.write(ctx, func(x session) error {
		all, err := list(ctx, x, scanWhole, `SELECT `+patchColumns+` FROM patches WHERE id = $1 ORDER BY os`, id)
		if err == nil && len(all) == 0 {
			return missing(sql.ErrNoRows, "no list ever carried the patch %q", id)
		}
		if err != nil {
			return err
		}
		for _, k := range all {
			if err := learn(ctx, x, k, learned{cves, severity, released}); err != nil {
				return err
			}
		}
		return nil
	})
	return fault(err, "cannot store what the changelog of %s says", id)
}

func learn(ctx context.Context, x session, k knownPatch, news learned) error {
	if len(news.cves) > 0 {
		text, err := toJSON(news.cves)
		if err != nil {
			return err
		}
		k.learned.cves, k.cves = news.cves, text
	}
	if news.severity != patch.NotGiven {
		k.learned.severity = news.severity
	}
	if !news.released.IsZero() {
		k.learned.released = news.released
	}
	shown := k.learned.over(k.row.Patch)
	_, err := x.exec(ctx, `UPDATE patches SET known_cves = $3, known_severity = $4, known_released = $5, search = $6, released = $7
		WHERE os = $1 AND id = $2`, k.row.OS, k.row.ID, k.cves, k.learned.severity, k.learned.released, searchText(shown), shown.Released)
	return err
}

// literally writes text so that LIKE with ! as its escape takes it as it is.
func literally(text string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text)
}
