package prediction

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/capability"
	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// Index holds the newest facts of all admitted machines. A package that many machines have alike (name, architecture, version, state) is
// one number for all of them, and so is what was collected beyond packages; machines with equal facts share one set. So 100,000 machines of
// 500 packages take some 300 MiB. The zero value is empty and ready; its methods may be called from many goroutines.
type Index struct {
	mu       sync.RWMutex
	packages pool[patch.Package, struct{}]
	named    map[string][]uint32 // packages by name
	provided map[string][]uint32 // packages by what they provide
	words    map[string]string   // one copy of each string in packages
	objects  pool[string, patch.Collected]
	frames   pool[string, patch.Facts] // facts without packages and objects
	sets     map[patch.Hash]*set
	seats    []*seat
	byID     map[patch.MachineID]int
	whole    bool // every machine has been looked at once
	expected int  // machines, while it is filled
}

// set is the facts under one hash.
type set struct {
	hash     patch.Hash
	users    int
	os       patch.HostOS
	frame    uint32
	packages []uint32 // in the order of the facts
	objects  []uint32
	fault    string // why no engine judges these facts
}

// Seat is one machine as the index has it.
type Seat struct {
	Machine  patch.MachineID
	Name     string
	At       time.Time        // when the facts were collected
	Seq      uint64           // newest complete detect; 0: none
	Revision patch.RevisionID // that it was made with
}

type seat struct {
	Seat
	set *set
}

// Put makes facts a machine's newest. Facts that are known under their hash need not be given again: f may then be nil; ok is false
// where it had to be given.
func (x *Index) Put(s Seat, hash patch.Hash, f *patch.Facts) (ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	known := x.sets[hash]
	if known == nil {
		if f == nil {
			return false
		}
		known = x.add(hash, f)
	}
	known.users++
	if i, here := x.byID[s.Machine]; here {
		old := x.seats[i].set
		x.seats[i] = &seat{s, known}
		x.leave(old)
		return true
	}
	if x.byID == nil {
		x.byID = map[patch.MachineID]int{}
	}
	x.byID[s.Machine] = len(x.seats)
	x.seats = append(x.seats, &seat{s, known})
	return true
}

// Remove forgets a machine.
func (x *Index) Remove(id patch.MachineID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	i, here := x.byID[id]
	if !here {
		return
	}
	old, last := x.seats[i].set, len(x.seats)-1
	x.seats[i] = x.seats[last]
	x.byID[x.seats[i].Machine] = i
	x.seats = x.seats[:last]
	delete(x.byID, id)
	x.leave(old)
}

// find gives what is known of a machine.
func (x *Index) find(id patch.MachineID) (s Seat, hash patch.Hash, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	i, ok := x.byID[id]
	if !ok {
		return s, "", false
	}
	return x.seats[i].Seat, x.seats[i].set.hash, true
}

func (x *Index) add(hash patch.Hash, f *patch.Facts) *set {
	s := &set{hash: hash, os: f.OS.Key, fault: contradiction(f), packages: make([]uint32, len(f.Packages)), objects: make([]uint32, len(f.Objects))}
	frame := *f
	frame.Packages, frame.Objects = nil, nil
	s.frame, _ = x.frames.take(canonical(frame), func() patch.Facts { return frame })
	for i := range f.Packages {
		s.packages[i] = x.addPackage(f.OS.Key, &f.Packages[i])
	}
	for i := range f.Objects {
		s.objects[i], _ = x.objects.take(canonical(f.Objects[i]), func() patch.Collected { return f.Objects[i] })
	}
	if x.sets == nil {
		x.sets = map[patch.Hash]*set{}
	}
	x.sets[hash] = s
	return s
}

func (x *Index) addPackage(os patch.HostOS, p *patch.Package) uint32 {
	if n, ok := x.packages.index[*p]; ok {
		x.packages.uses[n]++
		return n
	}
	own := *p
	for _, s := range []*string{&own.Name, &own.Arch, &own.Version, &own.Source, &own.SourceVersion, (*string)(&own.State), &own.Module, &own.Signer, &own.Provides} {
		*s = x.word(*s)
	}
	n, _ := x.packages.take(own, func() struct{} { return struct{}{} })
	if x.named == nil {
		x.named, x.provided = map[string][]uint32{}, map[string][]uint32{}
	}
	x.named[own.Name] = append(x.named[own.Name], n)
	for name := range provided(os, own.Provides) {
		x.provided[name] = append(x.provided[name], n)
	}
	return n
}

// provided visits the names in what a package provides.
func provided(os patch.HostOS, field string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if version.Of(os) == version.RPM {
			for r := range capability.Provided(field) {
				if !yield(r.Name) {
					return
				}
			}
			return
		}
		for name := range debian.Provided(field) {
			if !yield(name) {
				return
			}
		}
	}
}

// word gives the one copy of a string; decoded facts would keep all of their text alive.
func (x *Index) word(s string) string {
	if w, ok := x.words[s]; ok {
		return w
	}
	if x.words == nil {
		x.words = map[string]string{}
	}
	w := strings.Clone(s)
	x.words[w] = w
	return w
}

// leave counts one user of a set less and forgets what nobody uses.
func (x *Index) leave(s *set) {
	if s.users--; s.users > 0 {
		return
	}
	delete(x.sets, s.hash)
	x.frames.drop(s.frame)
	for _, n := range s.objects {
		x.objects.drop(n)
	}
	for _, n := range s.packages {
		p := x.packages.keys[n]
		if !x.packages.drop(n) {
			continue
		}
		without(x.named, p.Name, n)
		for name := range provided(s.os, p.Provides) {
			without(x.provided, name, n)
		}
	}
}

// without takes a package from those under a name.
func without(by map[string][]uint32, name string, n uint32) {
	if by[name] = slices.DeleteFunc(by[name], func(m uint32) bool { return m == n }); len(by[name]) == 0 {
		delete(by, name)
	}
}

// contradiction says why the engine refuses facts, whatever the definitions.
func contradiction(f *patch.Facts) string {
	none, err := detect.Assemble(f.OS.Key, version.Dpkg, nil)
	if err == nil {
		_, err = none.Evaluate(f)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func canonical(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%+v", v)
	}
	return string(b)
}
