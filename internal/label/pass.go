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
	var seats []*fleet.Seat
	for s := range look.Since(told) {
		seats = append(seats, s)
	}
	parts, err := b.judgeSeats(ctx, programs, seats)
	if err != nil {
		return err
	}
	judged := roaring.New()
	for _, s := range seats {
		judged.Add(s.Number)
	}
	for i, p := range programs {
		yes, why := roaring.AndNot(p.yes, judged), maps.Clone(p.why)
		maps.DeleteFunc(why, func(n uint32, _ string) bool { return judged.Contains(n) })
		for _, part := range parts {
			yes.AddMany(part[i].yes)
			for n, text := range part[i].why {
				if why == nil {
					why = map[uint32]string{}
				}
				why[n] = text
			}
		}
		p.yes, p.why, p.told = yes, why, max(p.told, look.Told)
	}
	return nil
}

// found is what a program came to for some seats, by their numbers.
type found struct {
	yes []uint32
	why map[uint32]string
}

// atOnce is how many seats are judged together: so few that what is compared stays in a processor's cache.
const atOnce = 512

// judgeSeats evaluates programs over seats, on all processors, and gives for each portion of them what each program came to.
func (b *Book) judgeSeats(ctx context.Context, programs []*program, seats []*fleet.Seat) ([][]found, error) {
	conditions := make([]*expr.Condition, len(programs))
	for i, p := range programs {
		conditions[i] = p.condition
	}
	batch := expr.NewBatch(conditions)
	out, errs := make([][]found, (len(seats)+atOnce-1)/atOnce), make([]error, (len(seats)+atOnce-1)/atOnce)
	var next atomic.Int64
	var work sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(out)) {
		work.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(out); i = int(next.Add(1)) - 1 {
				out[i], errs[i] = b.portion(ctx, batch, conditions, seats[i*atOnce:min((i+1)*atOnce, len(seats))])
			}
		})
	}
	work.Wait()
	return out, errors.Join(errs...)
}

func (b *Book) portion(ctx context.Context, batch *expr.Batch, conditions []*expr.Condition, seats []*fleet.Seat) ([]found, error) {
	asks := slices.ContainsFunc(conditions, func(c *expr.Condition) bool { return c.Reads("inventory") })
	var admitted []*fleet.Seat // the others carry nothing
	var things []expr.Thing
	var dumb map[int]string // those whose inventory is not at hand, and why
	for _, s := range seats {
		if s.Machine.State != patch.Admitted {
			continue
		}
		m := subject{seat: s}
		if err := b.prepare(ctx, &m, asks); err != nil {
			return nil, err
		}
		if m.why != "" {
			if dumb == nil {
				dumb = map[int]string{}
			}
			dumb[len(things)] = m.why
		}
		admitted, things = append(admitted, s), append(things, m.thing)
	}
	out := make([]found, len(conditions))
	for k, j := range batch.Judge(things) {
		if conditions[k].Reads("inventory") && len(dumb) > 0 {
			if j.Faults == nil {
				j.Faults = map[int]string{}
			}
			maps.Copy(j.Faults, dumb)
		}
		out[k] = counted(j, admitted)
	}
	return out, nil
}

// counted turns bits into numbers of seats.
func counted(j expr.Judgement, seats []*fleet.Seat) (f found) {
	for i, text := range j.Faults {
		if f.why == nil {
			f.why = map[uint32]string{}
		}
		f.why[seats[i].Number] = text
	}
	for w, word := range j.Yes {
		for ; word != 0; word &= word - 1 {
			if i := w*64 + bits.TrailingZeros64(word); j.Faults == nil || f.why[seats[i].Number] == "" {
				f.yes = append(f.yes, seats[i].Number)
			}
		}
	}
	return f
}
