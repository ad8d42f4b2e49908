package label

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/expr"
	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// memory is what a Book has worked out and would work out again alike: compiled expressions, decoded inventories, and by expression what
// it gave for each machine as that told of itself. The zero value is empty and ready.
type memory struct {
	mu          sync.Mutex
	programs    map[string]*program
	inventories []remembered      // by number of the machine's seat
	words       map[string]string // one copy of what many inventories say
	sources     map[patch.RevisionID]sources
	plain       map[string]carriers // of labels without an expression, by name
}

// remembered is what a machine told under a hash.
type remembered struct {
	hash patch.Hash
	told *inventory
}

// Limits of a memory; it forgets everything of a kind when there is more.
const (
	maxPrograms = 2000
	maxWords    = 10_000
)

// program is one expression with what it gave.
type program struct {
	condition *expr.Condition
	hasty     bool // it reads what changes with every check-in
	clock     fleet.Clock

	mu   sync.Mutex
	told uint64          // seats up to this have been judged, by the clock
	yes  *roaring.Bitmap // never changed once given out
	why  map[uint32]phrase.Phrase
}

// program compiles an expression, or remembers that.
func (b *Book) program(text string) (*program, error) {
	b.memory.mu.Lock()
	p := b.memory.programs[text]
	b.memory.mu.Unlock()
	if p != nil {
		return p, nil
	}
	c, err := language().Compile(text)
	if err != nil {
		return nil, err
	}
	p = &program{condition: c, hasty: strings.Contains(text, "seen_at"), yes: roaring.New()}
	if c.Reads("ledger") {
		p.clock = fleet.Judging
	}
	b.memory.mu.Lock()
	defer b.memory.mu.Unlock()
	if b.memory.programs == nil || len(b.memory.programs) >= maxPrograms {
		b.memory.programs = map[string]*program{}
	}
	b.memory.programs[text] = p
	return p, nil
}

// smart evaluates an expression for one machine; false where it cannot be judged.
func (b *Book) smart(ctx context.Context, text string, s *subject) (bool, error) {
	p, err := b.program(text)
	if err != nil {
		return false, err
	}
	p.mu.Lock()
	known, yes := !p.hasty && s.seat.At(p.clock) <= p.told, p.yes
	p.mu.Unlock()
	if known {
		return yes.Contains(s.seat.Number), nil
	}
	if err := b.prepare(ctx, s, p.condition.Reads); err != nil || s.excuse(p.condition.Reads) != "" {
		return false, err
	}
	holds, fault := p.condition.Holds(&s.thing)
	return holds && fault == nil, nil
}

// subject is a machine as expressions see it, prepared once for all of them.
type subject struct {
	seat     *fleet.Seat
	thing    expr.Thing
	prepared bool
	told     *inventory       // nil until it is asked for
	judged   *ledger          // likewise
	why      [2]phrase.Phrase // inventory and ledger are not at hand
}

// prepare reads what expressions ask for that was not read yet.
func (b *Book) prepare(ctx context.Context, s *subject, asks func(variable string) bool) (err error) {
	inventories, ledgers := s.told == nil && asks("inventory"), s.judged == nil && asks("ledger")
	if s.prepared && !inventories && !ledgers {
		return nil
	}
	if inventories {
		told, err := b.inventories(ctx, []*fleet.Seat{s.seat}, nil, func(_ int, why phrase.Phrase) { s.why[0] = why })
		if err != nil {
			return err
		}
		s.told = told[0]
	}
	if ledgers {
		if s.judged, s.why[1], err = b.ledger(ctx, s.seat); err != nil {
			return err
		}
	}
	s.prepared = true
	m, i, l := seen(&s.seat.Machine), cmp.Or(s.told, &inventory{}), cmp.Or(s.judged, &ledger{})
	s.thing = language().Thing(&m, i, l)
	return nil
}

// excuse says why what an expression reads is not at hand; empty where it is.
func (s *subject) excuse(reads func(variable string) bool) phrase.Phrase {
	if reads("inventory") && s.why[0] != "" {
		return s.why[0]
	}
	if reads("ledger") {
		return s.why[1]
	}
	return ""
}

// smartly evaluates an expression for the machines of a look that have told something new since the last time, and gives who carries it and
// who could not be judged. Neither may be changed.
func (b *Book) smartly(ctx context.Context, text string, look *fleet.Look) (*roaring.Bitmap, map[uint32]phrase.Phrase, error) {
	p, err := b.program(text)
	if err != nil {
		return nil, nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	err = b.refresh(ctx, []*program{p}, look)
	return p.yes, p.why, err
}

// carriers are those of a label without an expression at a look: the same at every other look at which no machine was told of anew.
type carriers struct {
	members  []patch.MachineID
	told     uint64
	machines int
	set      *roaring.Bitmap // never changed
}

// plainly gives who of a look carries a label by hand, or the built-in one. The caller must not change it.
func (b *Book) plainly(l patch.Label, look *fleet.Look) *roaring.Bitmap {
	b.memory.mu.Lock()
	c, ok := b.memory.plain[l.Name]
	b.memory.mu.Unlock()
	if ok && c.told == look.Told && c.machines == look.Len() && slices.Equal(c.members, l.Members) {
		return c.set
	}
	bits := make([]uint64, look.Len()/64+1)
	note := func(s *fleet.Seat) {
		if s != nil && s.Machine.State == patch.Admitted {
			bits[s.Number/64] |= 1 << (s.Number % 64)
		}
	}
	if l.Name == patch.LabelAll {
		for s := range look.All() {
			note(s)
		}
	}
	for _, id := range l.Members {
		note(look.Find(id))
	}
	c = carriers{slices.Clone(l.Members), look.Told, look.Len(), roaring.FromDense(bits, false)}
	b.memory.mu.Lock()
	defer b.memory.mu.Unlock()
	if b.memory.plain == nil || len(b.memory.plain) >= maxPrograms {
		b.memory.plain = map[string]carriers{}
	}
	b.memory.plain[l.Name] = c
	return c.set
}

// inventories gives what machines told about themselves, into room by place of their seats, and tells note of those that is not at hand. What is not
// remembered is read all at once.
func (b *Book) inventories(ctx context.Context, seats []*fleet.Seat, room []*inventory, note func(i int, why phrase.Phrase)) ([]*inventory, error) {
	told := append(room[:0], make([]*inventory, len(seats))...)
	b.memory.recall(seats, told)
	missing := map[patch.Hash][]int{}
	for i, s := range seats {
		if told[i] == nil {
			missing[s.Machine.Inventory] = append(missing[s.Machine.Inventory], i)
		}
	}
	if len(missing) == 0 {
		return told, nil
	}
	lacks := func(places []int, why phrase.Phrase) {
		for _, i := range places {
			told[i] = &inventory{}
			note(i, why)
		}
	}
	err := b.Inventories.EachInventory(ctx, slices.Collect(maps.Keys(missing)), func(h patch.Hash, blob []byte) {
		var whole document
		if err := world.Decode(blob, &whole); err != nil {
			lacks(missing[h], phrase.Of("its inventory cannot be read: {1}", patch.Said(err)))
			return
		}
		for _, i := range missing[h] {
			told[i] = b.memory.remember(seats[i], whole)
		}
	})
	for _, places := range missing {
		if told[places[0]] == nil {
			lacks(places, "its inventory has not arrived yet")
		}
	}
	return told, err
}

// recall fills in what is remembered of machines' newest inventories, by place of their seats; nothing where nothing is.
func (y *memory) recall(seats []*fleet.Seat, into []*inventory) {
	y.mu.Lock()
	defer y.mu.Unlock()
	for i, s := range seats {
		if int(s.Number) < len(y.inventories) && y.inventories[s.Number].hash == s.Machine.Inventory {
			into[i] = y.inventories[s.Number].told
		}
	}
}

func (y *memory) remember(s *fleet.Seat, whole document) *inventory {
	y.mu.Lock()
	defer y.mu.Unlock()
	i := told(whole, &s.Machine, y.word)
	if missing := int(s.Number) + 1 - len(y.inventories); missing > 0 {
		y.inventories = append(y.inventories, make([]remembered, missing)...)
	}
	y.inventories[s.Number] = remembered{s.Machine.Inventory, i}
	return i
}

// word gives the one copy of a string.
func (y *memory) word(s string) string {
	if w, ok := y.words[s]; ok {
		return w
	}
	if y.words == nil || len(y.words) >= maxWords {
		y.words = map[string]string{}
	}
	y.words[s] = s
	return s
}
