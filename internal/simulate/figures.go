package simulate

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Figures are what a run measured, as `fettle simulate` prints them.
type Figures struct {
	Server      string                `json:"server"`
	Machines    int                   `json:"machines"`    // enrolled and admitted
	Patches     map[patch.HostOS]int  `json:"patches"`     // on the list of each host OS
	Applicable  map[patch.HostOS]int  `json:"applicable"`  // patches that apply to one machine, on average
	States      map[patch.HostOS]int  `json:"states"`      // different machines among them
	SnapshotLen int                   `json:"json_bytes"`  // one snapshot as JSON: receipt, and ID and verdict of every patch
	Connections int                   `json:"connections"` // kept open
	Steps       []StepFigures         `json:"steps"`
	Errors      map[string]int        `json:"errors"` // by kind; each was tried again
	Lost        int                   `json:"lost"`   // machines that gave up
	Seconds     float64               `json:"seconds"`
	Work        *WorkFigures          `json:"work,omitempty"` // where orders were carried out
	Interrupted bool                  `json:"interrupted,omitempty"`
	steps       map[string]*stopwatch // in the making
}

// WorkFigures are what the machines made of their orders.
type WorkFigures struct {
	Orders    int `json:"orders"`    // carried out to their closing detect
	Installed int `json:"installed"` // patches on machines
	Failed    int `json:"failed"`    // likewise
	Silent    int `json:"silent"`    // machines that were not heard of any more
}

// StepFigures are those of one kind of request.
type StepFigures struct {
	Name      string  `json:"name"` // "enrol", "join", "whole", "changed", "unchanged", "checkin", "empty", "work"
	Done      int     `json:"done"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	Sent      float64 `json:"bytes_sent"`     // by a machine each time, with TLS and HTTP
	Received  float64 `json:"bytes_received"` // likewise
}

// Step gives the figures of one step; zero where it was not made.
func (f Figures) Step(name string) StepFigures {
	for _, s := range f.Steps {
		if s.Name == name {
			return s
		}
	}
	return StepFigures{Name: name}
}

// stopwatch collects the times of one step, all rounds of it together.
type stopwatch struct {
	mu     sync.Mutex
	times  []time.Duration
	took   time.Duration
	sent   int64
	got    int64
	errors map[patch.Kind]int
	lost   int
}

func (w *stopwatch) note(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.times = append(w.times, d)
}

func (w *stopwatch) failed(err error, lost bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.errors == nil {
		w.errors = map[patch.Kind]int{}
	}
	w.errors[patch.KindOf(err)]++
	if lost {
		w.lost++
	}
}

func (w *stopwatch) figures(name string) StepFigures {
	slices.Sort(w.times)
	f := StepFigures{Name: name, Done: len(w.times), Seconds: w.took.Seconds()}
	if n := len(w.times); n > 0 && w.took > 0 {
		f.PerSecond = float64(n) / w.took.Seconds()
		f.P50, f.P99 = milliseconds(w.times[n/2]), milliseconds(w.times[n*99/100])
		f.Sent, f.Received = float64(w.sent)/float64(n), float64(w.got)/float64(n)
	}
	return f
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// settle writes down what the stopwatches say.
func (f *Figures) settle(order []string) {
	f.Errors = map[string]int{}
	for _, name := range order {
		w := f.steps[name]
		f.Steps = append(f.Steps, w.figures(name))
		f.Lost += w.lost
		for _, k := range slices.Sorted(maps.Keys(w.errors)) {
			f.Errors[k.String()] += w.errors[k]
		}
	}
}
