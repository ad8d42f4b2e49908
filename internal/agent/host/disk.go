package host

import (
	"fmt"

	"github.com/fettle-project/fettle/internal/patch"
)

// spare is what must stay free beyond twice the size of what is fetched, in bytes.
const spare = 200 << 20

// CheckRoom says whether n bytes of packages can be fetched and unpacked: twice n and 200 MB must be free at each of the places.
func CheckRoom(n int64, places ...string) error {
	need := uint64(2*n + spare)
	for _, p := range places {
		free, err := freeBytes(p)
		if err != nil {
			continue // a place that does not exist yet has the file system of another one on the list
		}
		if free < need {
			return &Failure{Cause: patch.FailDisk, Text: fmt.Sprintf("no room at %s: %d MB are free and %d MB are needed, twice the packages' size and %d MB", p, free>>20,
				(need+1<<20-1)>>20, spare>>20)}
		}
	}
	return nil
}

func stageCause(err error) patch.FailCause {
	switch {
	case IsFull(err):
		return patch.FailDisk
	case patch.KindOf(err) == patch.Invalid || patch.KindOf(err) == patch.Untrusted:
		return patch.FailUntrusted
	default:
		return patch.FailPatch
	}
}
