package label

import (
	"context"
	"errors"
	"maps"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/expr"
	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
)

// refreshAll is what smartly does first, for many expressions at once: they see each machine once, and share what they compare.
func (b *Book) refreshAll(ctx context.Context, labels []patch.Label, look *fleet.Look) error {
	by := map[string]*program{}
	for _, l := range labels {
		if l.Of != patch.OfMachines || l.Expr == "" {
			continue
		}
		p, err := b.program(l.Expr)
		if err != nil {
			return err
		}
		by[l.Expr] = p
	}
	var all []*program
	for _, text := range slices.Sorted(maps.Keys(by)) { // in one order, so that nobody waits in a circle
		by[text].mu.Lock()
		defer by[text].mu.Unlock()
		all = append(all, by[text])
	}
	return b.refresh(ctx, all, look)
}

// refresh brings programs, whose locks are held, up to a look.
func (b *Book) refresh(ctx context.Context, all []*program, look *fleet.Look) error {
	groups := map[uint64][]*program{}
	for _, p := range all {
		if p.hasty {
			groups[0] = append(groups[0], p)
		} else if p.told < look.Told {
			groups[p.told] = append(groups[p.told], p)
		}
	}
	for told, programs := range groups {
		if err := b.since(ctx, programs, look, told); err != nil {
			return err
		}
	}
	return nil
}

// since judges with some programs the seats that are newer than what all of these have seen.
func (b *Book) since(ctx context.Context, programs []*program, look *fleet.Look, told uint64) error {
	pass := newPass(b, programs, look)
	for s := range look.Since(told) {
		pass.judged[s.Number/64] |= 1 << (s.Number % 64)
		at := s.Number / atOnce
		pass.portions[at] = append(pass.portions[at], s)
	}
	if err := pass.run(ctx); err != nil {
		return err
	}
	judged := roaring.FromDense(pass.judged, false)
	for i, p := range programs {
		why := maps.Clone(p.why)
		maps.DeleteFunc(why, func(n uint32, _ string) bool { return judged.Contains(n) })
		if why == nil {
			why = map[uint32]string{}
		}
		maps.Copy(why, pass.why[i])
		yes := roaring.FromDense(pass.yes[i], false)
		yes.Or(roaring.AndNot(p.yes, judged))
		p.yes, p.why, p.told = yes, why, max(p.told, look.Told)
	}
	return nil
}

// pass is one look at some seats by some programs.
type pass struct {
	book       *Book
	language   expr.Language
	conditions []*expr.Condition
	batch      *expr.Batch
	asks       bool                     // some condition reads the inventory
	portions   map[uint32][]*fleet.Seat // by number / atOnce
	judged     []uint64                 // seats, by number
	yes        [][]uint64               // likewise, by program

	mu  sync.Mutex
	why []map[uint32]string // by program
}

// atOnce is how many seats are judged together: so few that what is compared stays in a processor's cache, and words of bits that no two
// portions share.
const atOnce = 512

func newPass(b *Book, programs []*program, look *fleet.Look) *pass {
	words := (look.Len() + 63) / 64
	p := &pass{book: b, language: language(), portions: map[uint32][]*fleet.Seat{}, judged: make([]uint64, words), yes: make([][]uint64, len(programs)), why: make([]map[uint32]string, len(programs))}
	for i, x := range programs {
		p.conditions, p.yes[i] = append(p.conditions, x.condition), make([]uint64, words)
		p.asks = p.asks || x.condition.Reads("inventory")
	}
	p.batch = expr.NewBatch(p.conditions)
	return p
}

// run judges the portions on all processors.
func (p *pass) run(ctx context.Context) error {
	todo := slices.Collect(maps.Values(p.portions))
	errs := make([]error, len(todo))
	var next atomic.Int64
	var work sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(todo)) {
		work.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(todo); i = int(next.Add(1)) - 1 {
				errs[i] = p.portion(ctx, todo[i])
			}
		})
	}
	work.Wait()
	return errors.Join(errs...)
}

func (p *pass) portion(ctx context.Context, seats []*fleet.Seat) error {
	numbers, things := make([]uint32, 0, len(seats)), make([]expr.Thing, 0, len(seats))
	machines, inventories := make([]machine, len(seats)), make([]*inventory, len(seats))
	if p.asks {
		inventories = p.book.memory.recall(seats)
	}
	var dumb []int // those whose inventory is not at hand
	var excuse []string
	for i, s := range seats {
		if s.Machine.State != patch.Admitted { // it carries nothing
			continue
		}
		why, err := "", error(nil)
		switch {
		case inventories[i] != nil:
		case p.asks:
			if inventories[i], why, err = p.book.inventory(ctx, s); err != nil {
				return err
			}
		default:
			inventories[i] = &inventory{}
		}
		if why != "" {
			dumb, excuse = append(dumb, len(things)), append(excuse, why)
		}
		machines[i] = seen(&s.Machine)
		numbers, things = append(numbers, s.Number), append(things, p.language.Thing(&machines[i], inventories[i]))
	}
	for k, j := range p.batch.Judge(things) {
		for i, text := range j.Faults {
			p.excuse(k, numbers[i], text)
		}
		if p.conditions[k].Reads("inventory") {
			for i, n := range dumb {
				j.Yes[n/64] &^= 1 << (n % 64)
				p.excuse(k, numbers[n], excuse[i])
			}
		}
		p.note(k, j.Yes, numbers)
	}
	return nil
}

func (p *pass) excuse(program int, seat uint32, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.why[program] == nil {
		p.why[program] = map[uint32]string{}
	}
	p.why[program][seat] = text
}

// note sets the bits of the seats of which a program said yes.
func (p *pass) note(program int, said []uint64, numbers []uint32) {
	yes := p.yes[program]
	for w, word := range said {
		for ; word != 0; word &= word - 1 {
			n := numbers[w*64+bits.TrailingZeros64(word)]
			yes[n/64] |= 1 << (n % 64)
		}
	}
}
