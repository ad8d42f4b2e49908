package patch

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Manner is how a machine goes about an order, beside what it installs. It travels in plans and in signed orders. It only ever names what the
// machine has already: what a hook does is in a file that the machine's own administrator put there.
type Manner struct {
	// Before are hooks that run, in this order, before the first installation; one that fails ends the order. After run after the last
	// one, whatever became of it, if any of Before has begun or anything was installed.
	Before []string `json:"before,omitempty"`
	After  []string `json:"after,omitempty"`
	// Services are systemd units that are restarted, after an installation, where they run code that was replaced. Others are only told.
	Services []string `json:"services,omitempty"`
	// Blockers are programs during whose running nothing of the order is installed.
	Blockers []string `json:"blockers,omitempty"`
}

const (
	maxHooks    = 16
	maxServices = 100
)

var hookShape = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`) })

// ValidHook reports whether a name may be one of a hook: it is a file name and can be nothing else.
func ValidHook(name string) bool { return hookShape().MatchString(name) }

var processShape = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+:@-]{0,63}$`) })

// ValidProgram reports whether a name may be one of a program that runs: of its file, without folders.
func ValidProgram(name string) bool { return processShape().MatchString(name) }

// NewManner makes a manner of what a person named and checks it; nil where nothing is. Services may be named without ".service".
func NewManner(before, after, services, blockers []string) (*Manner, error) {
	m := &Manner{Before: before, After: after, Blockers: blockers}
	for _, unit := range services {
		m.Services = append(m.Services, strings.TrimSuffix(unit, ".service")+".service")
	}
	if m.Empty() {
		return nil, nil
	}
	return m, m.Check()
}

// Hooks are those that it names, before and after.
func (m *Manner) Hooks() []string {
	if m == nil {
		return nil
	}
	return slices.Concat(m.Before, m.After)
}

// Lines tell people how machines go about it, a line a kind; none where nothing is asked for.
func (m *Manner) Lines() (out []string) {
	if m == nil {
		return nil
	}
	for _, l := range []struct {
		words string
		names []string
	}{{"Hooks before it: ", m.Before}, {"Hooks after it: ", m.After}, {"Nothing is installed while one of these runs: ", m.Blockers}, {"Restarted where they run old code: ", m.Services}} {
		if len(l.names) > 0 {
			out = append(out, l.words+strings.Join(l.names, ", "))
		}
	}
	return out
}

// Empty reports whether a manner asks for nothing.
func (m *Manner) Empty() bool {
	return m == nil || len(m.Before)+len(m.After)+len(m.Services)+len(m.Blockers) == 0
}

// Check says what is wrong with a manner; nil where it may be signed and carried out.
func (m *Manner) Check() error {
	if m == nil {
		return nil
	}
	all := slices.Concat(m.Before, m.After)
	if len(all) > maxHooks {
		return Errorf(Invalid, "%d hooks are more than the %d that an order may name", len(all), maxHooks)
	}
	for _, name := range all {
		if !ValidHook(name) {
			return Errorf(Invalid, "%.80q is not the name of a hook: letters, digits, - and _", name)
		}
	}
	if len(m.Blockers) > maxBlockers {
		return Errorf(Invalid, "%d programs are more than the %d that an order may wait for", len(m.Blockers), maxBlockers)
	}
	for _, name := range m.Blockers {
		if !ValidProgram(name) {
			return Errorf(Invalid, "%.80q is not the name of a program", name)
		}
	}
	if len(m.Services) > maxServices {
		return Errorf(Invalid, "%d services are more than the %d that an order may restart", len(m.Services), maxServices)
	}
	for _, unit := range m.Services {
		if err := CheckRestart(unit); err != nil {
			return err
		}
	}
	return nil
}
