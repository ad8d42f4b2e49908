package patch

import (
	"errors"
	"fmt"

	"github.com/fettle-project/fettle/internal/phrase"
)

// Kind says what sort of failure an error is, so that HTTP statuses and exit codes come from one table each.
type Kind uint8

const (
	// Internal is a fault of ours: the only kind whose text is not shown to a remote caller.
	Internal Kind = iota
	// Invalid is input that can never be accepted as it is.
	Invalid
	// Unauthenticated means that nobody is signed in, or the sign-in has ended.
	Unauthenticated
	// Forbidden means that the caller is known and may not do this.
	Forbidden
	// NotFound means that the thing named does not exist (or must not be seen by this caller).
	NotFound
	// Conflict means that the state has moved on: an older snapshot, a drifted plan, a name in use.
	Conflict
	// Exhausted means that a quota, a limit of uses or a rate is used up; later it may work.
	Exhausted
	// Unavailable means that something needed is away (server, feed, lock); the same call may work later.
	Unavailable
	// Untrusted means that bytes did not verify: signature, hash, expiry, rollback. They were not used.
	Untrusted
)

var kindNames = [...]string{"internal", "invalid", "unauthenticated", "forbidden", "not-found", "conflict", "exhausted", "unavailable", "untrusted"}

// String returns the kind's stable name, as it appears in JSON.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "internal"
}

// KindNamed is the inverse of Kind.String; an unknown name is Internal.
func KindNamed(name string) Kind {
	for i, n := range kindNames {
		if n == name {
			return Kind(i)
		}
	}
	return Internal
}

// Error tells a person what could not be done, why, and what to do next.
type Error struct {
	Kind Kind
	What phrase.Phrase // what could not be done, and to what: "cannot read the package index of bookworm-security"
	Why  phrase.Phrase // the reason, where Err does not already say it
	Do   phrase.Phrase // the next step for the person who reads this; may be empty
	Err  error         // the cause, for errors.Is and logs
}

// Error joins what, why and the next step into one line.
func (e *Error) Error() string { return e.Phrase().String() }

// Phrase is the same line for people of any language.
func (e *Error) Phrase() phrase.Phrase {
	parts := []phrase.Phrase{e.What}
	if e.Why != "" {
		parts = append(parts, e.Why)
	}
	if e.Err != nil && e.Err.Error() != "" {
		parts = append(parts, Said(e.Err))
	}
	p := phrase.Join(parts, ": ")
	if e.Do != "" {
		p = phrase.Of("{1}. {2}", p, e.Do)
	}
	return p
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error of a kind; its text is What, as phrase.Format gives it, and a %w verb becomes the cause.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, What: phrase.Format(format, args...), Err: silent{errors.Unwrap(fmt.Errorf(format, args...))}.orNil()}
}

// NothingCalled says that there is no such thing with a name ("label", "feed", "person"), and which command lists what there is.
func NothingCalled(kind, name string) *Error {
	list := "fettle " + kind + "s"
	switch kind {
	case "channel":
		list = "fettle notify list"
	case "deployment":
		list = "fettle deploy list"
	case "person":
		list = "fettle users"
	}
	return &Error{Kind: NotFound, What: nothingCalled(kind, name), Do: phrase.Of("See which there are: {1}.", list)}
}

// nothingCalled is a whole sentence for each kind: in other languages "no" is another word for each.
func nothingCalled(kind, name string) phrase.Phrase {
	switch kind {
	case "blackout":
		return phrase.Format("no blackout is called %q", name)
	case "channel":
		return phrase.Format("no channel is called %q", name)
	case "decision":
		return phrase.Format("no decision is called %q", name)
	case "deployment":
		return phrase.Format("no deployment is called %q", name)
	case "feed":
		return phrase.Format("no feed is called %q", name)
	case "label":
		return phrase.Format("no label is called %q", name)
	case "person":
		return phrase.Format("no person is called %q", name)
	case "proposal":
		return phrase.Format("no proposal is called %q", name)
	case "ring":
		return phrase.Format("no ring is called %q", name)
	case "rule":
		return phrase.Format("no rule is called %q", name)
	case "schedule":
		return phrase.Format("no schedule is called %q", name)
	case "token":
		return phrase.Format("no token is called %q", name)
	}
	return phrase.Format("no %s is called %q", kind, name)
}

// silent keeps a cause for errors.Is without printing it a second time.
type silent struct{ err error }

func (s silent) Error() string { return "" }
func (s silent) Unwrap() error { return s.err }
func (s silent) orNil() error {
	if s.err == nil {
		return nil
	}
	return s
}

// KindOf finds the kind of the outermost Error in err's chain; an error without one is Internal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Said is an error as a text for people.
func Said(err error) phrase.Phrase {
	if said, ok := err.(phrase.Said); ok {
		return said.Phrase()
	}
	return phrase.Verbatim(err.Error())
}
