// Package whatif answers what a decision, a label, a rule, a schedule or a catalog would change, before anybody makes the change: which
// machine × patch pairs become deployable, which stop being so, and which gate closes or opens.
//
// It owns the comparison. It decides nothing: both sides are judged by the gates over worlds that package world reads, one as things are and
// one with the change supposed. It stores nothing, wakes nobody, and no agent learns of it.
package whatif

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// Change is what is supposed. Exactly one of its fields is given.
type Change struct {
	Decide         []patch.Decision // as approval.Desk drafts them
	Label          *patch.Label     // put
	RemoveLabel    string
	Rule           *patch.Rule // put, and carried out
	RemoveRule     string
	TakeBack       bool // with RemoveRule
	Schedule       *patch.Schedule
	RemoveSchedule string
	Blackout       *patch.Blackout // as calendar.Desk drafts it
	RemoveBlackout string
	Publish        *Revision
}

// Labels answers who carries a label now, and who would.
type Labels interface {
	Members(ctx context.Context, name string) ([]patch.MachineID, error)
	Patches(ctx context.Context, name string) ([]patch.ID, error)
	FindLabel(ctx context.Context, name string) (patch.Label, error)
	// Would checks a label and gives those who would carry it: machines or patches, by its kind.
	Would(ctx context.Context, l patch.Label) ([]patch.MachineID, []patch.ID, error)
}

// Rules tells what rules would decide.
type Rules interface {
	// Draft gives the decisions that a rule would make at once.
	Draft(ctx context.Context, r patch.Rule) ([]patch.Decision, error)
	// DraftWith gives what all rules that keep to a label of patches would decide at once if these patches carried it.
	DraftWith(ctx context.Context, label string, ids []patch.ID) ([]patch.Decision, error)
	// TakenBack gives the decisions that removing a rule would make if its own were taken back.
	TakenBack(ctx context.Context, name string) ([]patch.Decision, error)
}

// Schedules checks a schedule as it would be stored.
type Schedules interface {
	Draft(ctx context.Context, s patch.Schedule) (patch.Schedule, error)
}

// Supposer answers. Its methods may be called from many goroutines.
type Supposer struct {
	World     *world.Reader
	Labels    Labels
	Rules     Rules
	Schedules Schedules
	Held      Held // revisions that wait for a person
}

// Answer is what a change would do.
type Answer struct {
	Sentence phrase.Phrase `json:"sentence"`
	// Machines is how many machines were compared: those that the change can concern.
	Machines int        `json:"machines"`
	Label    *LabelDiff `json:"label,omitempty"`
	Decides  int        `json:"decides,omitempty"` // decisions that would be made: by the change itself, or by rules because of it
	Opens    Tally      `json:"opens"`             // pairs that become deployable
	Fetches  Tally      `json:"fetches"`           // pairs that become deployable once the appliance has fetched their files
	Closes   Tally      `json:"closes"`            // pairs that stop being deployable
	Shifts   Tally      `json:"shifts"`            // pairs that stay deployable, at another time or by another schedule
	Others   Tally      `json:"others"`            // pairs that stay closed by another gate
	Moves    []Move     `json:"moves"`             // all of them by patch, before and after; those that open first
}

// Tally counts machine × patch pairs.
type Tally struct {
	Pairs    int `json:"pairs"`
	Machines int `json:"machines"` // distinct ones
	Patches  int `json:"patches"`
}

// LabelDiff is who would begin and cease to carry a label.
type LabelDiff struct {
	Name   string        `json:"name"`
	Of     patch.LabelOf `json:"of,omitempty"`
	Before int           `json:"before"`
	After  int           `json:"after"`
	Enter  Bucket        `json:"enter"`
	Leave  Bucket        `json:"leave"`
}

// Bucket is a number of machines or patches and the first of their names.
type Bucket struct {
	Count int      `json:"count"`
	Names []string `json:"names,omitempty"` // up to 50
}

// maxNames is how many names a bucket carries.
const maxNames = 50

func (b *Bucket) add(name string) {
	b.Count++
	if len(b.Names) < maxNames {
		b.Names = append(b.Names, name)
	}
}

// Standing is where a patch stands on a machine.
type Standing struct {
	Deployable bool          `json:"deployable"`
	Gate       gate.Name     `json:"gate,omitempty"` // the first closed one
	Code       string        `json:"code,omitempty"`
	Text       phrase.Phrase `json:"text"`        // why it is closed, or what installs it
	At         time.Time     `json:"at,omitzero"` // when that is, for what is deployable and has a schedule whose window is not open yet
}

// Move is what changes for one patch on machines that have the same before and the same after.
type Move struct {
	Patch  patch.ID `json:"patch"`
	Title  string   `json:"title"`
	Before Standing `json:"before"`
	After  Standing `json:"after"`
	Bucket
}

// standing reads an answer of the gates. The text of a closed gate may name its machine; moves of several machines carry the first one's.
func standing(a gate.Answer) Standing {
	if a.Deployable {
		return Standing{Deployable: true, Text: a.Next, At: a.NextAt}
	}
	return Standing{Gate: a.Closed.Name, Code: a.Closed.Code, Text: a.Closed.Text}
}

// same tells whether two standings differ in nothing that a person has to know.
func (s Standing) same(o Standing) bool {
	return s.Deployable == o.Deployable && s.Gate == o.Gate && s.Code == o.Code && (!s.Deployable || s.Text == o.Text && s.At.Equal(o.At))
}

// fetching reports whether nothing but the appliance's own download stands in the way.
func fetching(a gate.Answer) bool {
	return !a.Deployable && a.Closed.Name == gate.Payload && a.Closed.Code == gate.CodeFetching && len(a.AlsoClosed()) == 0
}

// Ask answers what a change would do. A change that cannot be made fails as making it would.
func (s *Supposer) Ask(ctx context.Context, c Change) (Answer, error) {
	p, err := s.suppose(ctx, c)
	if err != nil {
		return Answer{}, err
	}
	before, err := s.World.View(ctx)
	if err != nil {
		return Answer{}, err
	}
	after, err := p.reader(s.World).View(ctx)
	if err != nil {
		return Answer{}, err
	}
	after.Now = before.Now
	d := diff{before: before, after: after, anyVerdict: p.anyVerdict, answer: Answer{Label: p.label, Decides: len(p.decisions), Moves: []Move{}}}
	d.patches = slices.Concat(before.Decided(), after.Decided())
	slices.Sort(d.patches)
	d.patches = slices.Compact(d.patches)
	machines, err := s.concerned(ctx, p)
	if err != nil {
		return Answer{}, err
	}
	for _, id := range machines {
		if err := d.machine(ctx, id); err != nil {
			return Answer{}, err
		}
	}
	return d.done(len(machines)), nil
}

// concerned lists the machines for which the change can make a difference, by ID.
func (s *Supposer) concerned(ctx context.Context, p *supposition) ([]patch.MachineID, error) {
	ids := slices.Clone(p.machines)
	for _, label := range p.labels {
		members, err := s.Labels.Members(ctx, label)
		if err != nil && patch.KindOf(err) != patch.NotFound {
			return nil, err
		}
		ids = append(ids, members...)
	}
	slices.SortFunc(ids, func(a, b patch.MachineID) int { return strings.Compare(string(a), string(b)) })
	return slices.Compact(ids), nil
}
