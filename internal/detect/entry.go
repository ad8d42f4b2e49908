package detect

import "github.com/fettle-project/fettle/internal/patch"

// Entry is one patch as a vendor's feed describes it: what it is, how to tell, and where its files are. Feeds' parsers give entries;
// the catalog makes lists, signatures and payload indexes of them.
type Entry struct {
	Patch      patch.Patch
	Definition Definition
	Files      []patch.PayloadFile
}
