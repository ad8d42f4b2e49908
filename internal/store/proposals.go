package store

import (
	"context"
	"encoding/json"

	"github.com/fettle-project/fettle/internal/patch"
)

const proposalColumns = `id, body, state, answered_by, answered_at, answer`

func scanProposal(r scanner) (patch.Proposal, error) {
	var p patch.Proposal
	var id, body string
	var answer patch.Proposal
	if err := r.Scan(&id, &body, &answer.State, &answer.AnsweredBy, stamp{&answer.AnsweredAt}, &answer.Answer); err != nil {
		return p, err
	}
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		return p, err
	}
	p.State, p.AnsweredBy, p.AnsweredAt, p.Answer = answer.State, answer.AnsweredBy, answer.AnsweredAt, answer.Answer
	return p, nil
}

// PutProposal stores a decision that waits for a second person.
func (s *Store) PutProposal(ctx context.Context, c patch.Caller, p patch.Proposal) error {
	if p.ID == "" || p.By == "" || p.Author == "" || len(p.Patches) == 0 {
		return patch.Errorf(patch.Invalid, "a proposal needs an id, patches, and whoever made it")
	}
	body, err := json.Marshal(p)
	if err != nil {
		return patch.Errorf(patch.Internal, "cannot write the proposal %s: %w", p.ID, err)
	}
	err = s.write(ctx, func(x session) error {
		seq, err := s.record(ctx, x, c, deed{"proposal.put", p.ID, p})
		if err != nil {
			return err
		}
		_, err = x.exec(ctx, `INSERT INTO proposals (id, seq, label, by_name, author, body, state, answered_by, answered_at, answer)
			VALUES ($1, $2, $3, $4, $5, $6, $7, '', 0, '')`, p.ID, seq, p.Label, p.By, p.Author, string(body), patch.Proposed)
		return err
	})
	return fault(err, "cannot store the proposal %s", p.ID)
}

// AnswerProposal ends an open proposal: with state Confirmed its decisions are made in the same transaction. Conflict where it is not open any
// more, or where whoever made it would confirm it.
func (s *Store) AnswerProposal(ctx context.Context, c patch.Caller, p patch.Proposal, ds []patch.Decision) error {
	err := s.write(ctx, func(x session) error { return s.answer(ctx, x, c, p, ds) })
	return fault(err, "cannot answer the proposal %s", p.ID)
}

func (s *Store) answer(ctx context.Context, x session, c patch.Caller, p patch.Proposal, ds []patch.Decision) error {
	seq, err := s.record(ctx, x, c, deed{"proposal." + string(p.State), p.ID, map[string]any{"answer": p.Answer, "decisions": ds}})
	if err != nil {
		return err
	}
	n, err := x.exec(ctx, `UPDATE proposals SET state = $2, answered_by = $3, answered_at = $4, answer = $5
			WHERE id = $1 AND state = 'open' AND ($2 <> 'confirmed' OR by_name <> $3 AND author <> $3)`, p.ID, p.State, p.AnsweredBy, p.AnsweredAt, p.Answer)
	if err == nil && n == 0 {
		return patch.Errorf(patch.Conflict, "the proposal %s does not wait for %s any more", p.ID, p.AnsweredBy)
	}
	if err != nil {
		return err
	}
	return insertDecisions(ctx, x, seq, ds)
}

// FindProposal gives one proposal, whatever became of it.
func (s *Store) FindProposal(ctx context.Context, id string) (patch.Proposal, error) {
	p, err := find(ctx, s.read(), scanProposal, `SELECT `+proposalColumns+` FROM proposals WHERE id = $1`, id)
	return p, missingNamed(err, "proposal", id)
}

// ListProposals gives proposals, the newest first: those that wait, or all.
func (s *Store) ListProposals(ctx context.Context, open bool) ([]patch.Proposal, error) {
	if open {
		return s.seldom.proposals.read(s, func() ([]patch.Proposal, error) { return s.readProposals(ctx, open) })
	}
	return s.readProposals(ctx, open)
}

func (s *Store) readProposals(ctx context.Context, open bool) ([]patch.Proposal, error) {
	w := where{engine: s.engine}
	if open {
		w.addFixed(`state = 'open'`)
	}
	all, err := list(ctx, s.read(), scanProposal, `SELECT `+proposalColumns+` FROM proposals`+w.String()+` ORDER BY seq DESC`, w.args...)
	return all, fault(err, "cannot list proposals")
}
