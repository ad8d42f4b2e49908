package host

import "github.com/fettle-project/fettle/internal/patch"

// Origin is one vendor index to verify: what the order says about it, and the files fetched by their content address.
type Origin struct {
	patch.Origin
	ReleasePath string // the InRelease file, whose bytes hash to Release
	IndexPath   string // the index file, whose bytes hash to Index
	Codename    string // the machine's release, which the vendor's must belong to
}
