package label

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/expr"
	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
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
	groups := map[mark][]*program{}
	for _, p := range all {
		at := mark{p.clock, p.told}
		if p.hasty {
			at.told = 0
		}
		if p.hasty || p.told < look.Now(p.clock) {
			groups[at] = append(groups[at], p)
		}
	}
	for at, programs := range groups {
		if err := b.since(ctx, programs, look, at); err != nil {
			return err
		}
	}
	return nil
}

// mark is how far programs have seen.
type mark struct {
	clock fleet.Clock
	told  uint64
}

// since judges with some programs the seats that are newer than what all of these have seen.
func (b *Book) since(ctx context.Context, programs []*program, look *fleet.Look, at mark) error {
	pass := newPass(b, programs, look, at)
	if err := pass.run(ctx); err != nil {
		return err
	}
	judged := roaring.FromDense(pass.judged, false)
	for i, p := range programs {
		p.yes = pass.merged(p.yes, pass.yes[i])
		p.why = excused(p.why, pass.why[i], judged)
		p.told = max(p.told, look.Now(at.clock))
	}
	return nil
}

// merged is a former set with what the pass says of those that it has judged. It is the former one itself where nothing is different.
func (p *pass) merged(was *roaring.Bitmap, yes []uint64) *roaring.Bitmap {
	former := append(p.former[:0], make([]uint64, max(len(yes), int(was.DenseSize())))...)
	p.former = former
	was.WriteDenseTo(former)
	same := true
	for i, judged := range p.judged {
		now := former[i]&^judged | yes[i]
		same = same && now == former[i]
		former[i] = now
	}
	if same {
		return was
	}
	return roaring.FromDense(former, true)
}

// excused is likewise who could not be judged, and why: the former map itself, which is not changed, where nothing is different.
func excused(was, now map[uint32]phrase.Phrase, judged *roaring.Bitmap) map[uint32]phrase.Phrase {
	over := func(n uint32) bool {
		_, still := now[n]
		return !still && judged.Contains(n)
	}
	same := true
	for n, text := range now {
		former, known := was[n]
		same = same && known && former == text
	}
	for n := range was {
		same = same && !over(n)
	}
	if same {
		return was
	}
	why := maps.Clone(was)
	maps.DeleteFunc(why, func(n uint32, _ phrase.Phrase) bool { return over(n) })
	if why == nil {
		why = map[uint32]phrase.Phrase{}
	}
	maps.Copy(why, now)
	return why
}

// pass is one look at some seats by some programs.
type pass struct {
	book       *Book
	look       *fleet.Look
	at         mark // seats up to this are not looked at
	language   expr.Language
	conditions []*expr.Condition
	batch      *expr.Batch
	asks       bool       // some condition reads the inventory
	judges     bool       // some condition reads the ledger
	judged     []uint64   // seats, by number
	yes        [][]uint64 // likewise, by program
	former     []uint64   // room for merged

	mu  sync.Mutex
	why []map[uint32]phrase.Phrase // by program
}

// atOnce is how many seats are judged together: so few that what is compared stays in a processor's cache.
const atOnce = 4 * fleet.Stride

func newPass(b *Book, programs []*program, look *fleet.Look, at mark) *pass {
	words := (look.Len() + 63) / 64
	p := &pass{book: b, look: look, at: at, language: language(), judged: make([]uint64, words), yes: make([][]uint64, len(programs)), why: make([]map[uint32]phrase.Phrase, len(programs))}
	room := make([]uint64, words*len(programs))
	for i, x := range programs {
		p.conditions, p.yes[i] = append(p.conditions, x.condition), room[i*words:][:words]
		p.asks = p.asks || x.condition.Reads("inventory")
		p.judges = p.judges || x.condition.Reads("ledger")
	}
	p.batch = expr.NewBatch(p.conditions)
	return p
}

// run judges the seats on all processors.
func (p *pass) run(ctx context.Context) error {
	portions := (p.look.Len() + atOnce - 1) / atOnce
	errs := make([]error, portions)
	var next atomic.Int64
	var work sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), portions) {
		work.Go(func() {
			var d desk
			for i := int(next.Add(1)) - 1; i < portions; i = int(next.Add(1)) - 1 {
				errs[i] = p.portion(ctx, &d, i*atOnce)
			}
		})
	}
	work.Wait()
	return errors.Join(errs...)
}

// desk is what one goroutine of a pass works at, by place in a portion.
type desk struct {
	seats    []*fleet.Seat
	told     []*inventory
	machines [atOnce]machine
	things   [atOnce]expr.Thing // zero where there is no seat to judge
	room     expr.Room
}

// portion judges the seats from a number on.
func (p *pass) portion(ctx context.Context, d *desk, from int) error {
	d.seats = d.seats[:0]
	for s := range p.look.Since(p.at.clock, p.at.told, from, from+atOnce) {
		p.judged[s.Number/64] |= 1 << (s.Number % 64)
		if s.Machine.State == patch.Admitted { // others carry nothing
			d.seats = append(d.seats, s)
		}
	}
	if len(d.seats) == 0 {
		return nil
	}
	excuses, err := p.lay(ctx, d, from)
	if err != nil {
		return err
	}
	things := d.things[:min(atOnce, p.look.Len()-from)]
	for k, j := range p.batch.Judge(things, &d.room) {
		for i, text := range j.Faults {
			p.excuse(k, uint32(from+i), text)
		}
		for of, variable := range [...]string{"ledger", "inventory"} {
			if !p.conditions[k].Reads(variable) {
				continue
			}
			for n, text := range excuses[of] {
				i := int(n) - from
				j.Yes[i/64] &^= 1 << (i % 64)
				p.excuse(k, n, text)
			}
		}
		copy(p.yes[k][from/64:], j.Yes)
	}
	return nil
}

// lay lays the desk's seats out as expressions see them, and gives why what some of them told is not at hand.
func (p *pass) lay(ctx context.Context, d *desk, from int) (excuses [2]map[uint32]phrase.Phrase, err error) {
	clear(d.things[:])
	none, empty := &inventory{}, &ledger{}
	note := func(of int, s *fleet.Seat, why phrase.Phrase) {
		if why == "" {
			return
		}
		if excuses[of] == nil {
			excuses[of] = map[uint32]phrase.Phrase{}
		}
		excuses[of][s.Number] = why
	}
	if p.asks {
		if d.told, err = p.book.inventories(ctx, d.seats, d.told, func(n int, why phrase.Phrase) { note(1, d.seats[n], why) }); err != nil {
			return excuses, err
		}
	}
	for n, s := range d.seats {
		told, judged := none, empty
		if p.asks {
			told = d.told[n]
		}
		if p.judges {
			var why phrase.Phrase
			if judged, why, err = p.book.ledger(ctx, s); err != nil {
				return excuses, err
			}
			note(0, s, why)
		}
		i := int(s.Number) - from
		d.machines[i] = seen(&s.Machine)
		d.things[i] = p.language.Thing(&d.machines[i], told, judged)
	}
	return excuses, nil
}

func (p *pass) excuse(program int, seat uint32, text phrase.Phrase) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.why[program] == nil {
		p.why[program] = map[uint32]phrase.Phrase{}
	}
	p.why[program][seat] = text
}
