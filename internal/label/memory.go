package label

import (
	"context"
	"maps"
	"runtime"
	"strings"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/expr"
	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// memory is what a Book has worked out and would work out again alike: compiled expressions, decoded inventories, and by expression what
// it gave for each machine as that told of itself. The zero value is empty and ready.
type memory struct {
	mu          sync.Mutex
	programs    map[string]*program
	inventories map[patch.Hash]*inventory
}

// Limits of a memory; it forgets everything of a kind when there is more.
const (
	maxPrograms    = 2000
	maxInventories = 400_000
)

// program is one expression with what it gave.
type program struct {
	condition *expr.Condition
	hasty     bool // it reads what changes with every check-in

	mu   sync.Mutex
	told uint64          // seats up to this Told have been judged
	yes  *roaring.Bitmap // never changed once given out
	why  map[uint32]string
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
	b.memory.mu.Lock()
	defer b.memory.mu.Unlock()
	if b.memory.programs == nil || len(b.memory.programs) >= maxPrograms {
		b.memory.programs = map[string]*program{}
	}
	b.memory.programs[text] = p
	return p, nil
}

// smart evaluates an expression for one machine; false where it cannot be judged.
func (b *Book) smart(ctx context.Context, text string, s *fleet.Seat) (bool, error) {
	p, err := b.program(text)
	if err != nil {
		return false, err
	}
	p.mu.Lock()
	known, yes := !p.hasty && s.Told <= p.told, p.yes
	p.mu.Unlock()
	if known {
		return yes.Contains(s.Number), nil
	}
	a := b.answer(ctx, p.condition, s)
	return a.yes, a.err
}

// smartly evaluates an expression for the machines of a look that have told something new since the last time, and gives who carries it and
// who could not be judged. Neither may be changed.
func (b *Book) smartly(ctx context.Context, text string, look *fleet.Look) (*roaring.Bitmap, map[uint32]string, error) {
	p, err := b.program(text)
	if err != nil {
		return nil, nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hasty {
		p.told = 0
	}
	var seats []*fleet.Seat
	for s := range look.Since(p.told) {
		seats = append(seats, s)
	}
	if len(seats) == 0 {
		return p.yes, p.why, nil
	}
	yes, why := p.yes.Clone(), maps.Clone(p.why)
	if why == nil {
		why = map[uint32]string{}
	}
	for i, a := range b.answers(ctx, p.condition, seats) {
		n := seats[i].Number
		if a.err != nil {
			return nil, nil, a.err
		}
		delete(why, n)
		yes.Remove(n)
		switch {
		case a.why != "":
			why[n] = a.why
		case a.yes:
			yes.Add(n)
		}
	}
	p.yes, p.why, p.told = yes, why, look.Told
	return yes, why, nil
}

type answer struct {
	yes bool
	why string // it could not be judged
	err error
}

// answers evaluates many machines at once, on all processors.
func (b *Book) answers(ctx context.Context, c *expr.Condition, seats []*fleet.Seat) []answer {
	out := make([]answer, len(seats))
	workers := min(runtime.GOMAXPROCS(0), 1+len(seats)/1000)
	var work sync.WaitGroup
	for w := range workers {
		work.Go(func() {
			for i := w * len(seats) / workers; i < (w+1)*len(seats)/workers; i++ {
				out[i] = b.answer(ctx, c, seats[i])
			}
		})
	}
	work.Wait()
	return out
}

// answer evaluates one machine; one that is not admitted carries nothing.
func (b *Book) answer(ctx context.Context, c *expr.Condition, s *fleet.Seat) answer {
	if s.Machine.State != patch.Admitted {
		return answer{}
	}
	i, why, err := b.inventory(ctx, c, s.Machine)
	if err != nil || why != "" {
		return answer{why: why, err: err}
	}
	yes, err := c.Holds(values(s.Machine, i))
	if err != nil {
		return answer{why: err.Error()}
	}
	return answer{yes: yes}
}

// inventory gives what a machine told about itself, where an expression asks for it; why says why it is not at hand.
func (b *Book) inventory(ctx context.Context, r interface{ Reads(string) bool }, m patch.Machine) (i *inventory, why string, err error) {
	if !r.Reads("inventory") {
		return &inventory{}, "", nil
	}
	if m.Inventory == "" {
		return nil, "its inventory has not arrived yet", nil
	}
	b.memory.mu.Lock()
	i = b.memory.inventories[m.Inventory]
	b.memory.mu.Unlock()
	if i != nil {
		return i, "", nil
	}
	blob, err := b.Inventories.FindInventory(ctx, m.Inventory)
	if patch.KindOf(err) == patch.NotFound && err != nil {
		return nil, "its inventory has not arrived yet", nil
	}
	if err != nil {
		return nil, "", err
	}
	var whole patch.Inventory
	if err := world.Decode(blob, &whole); err != nil {
		return nil, "its inventory cannot be read: " + err.Error(), nil
	}
	i = told(whole)
	b.memory.mu.Lock()
	defer b.memory.mu.Unlock()
	if b.memory.inventories == nil || len(b.memory.inventories) >= maxInventories {
		b.memory.inventories = map[patch.Hash]*inventory{}
	}
	b.memory.inventories[m.Inventory] = i
	return i, "", nil
}
