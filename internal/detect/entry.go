package detect

import "github.com/fettle-project/fettle/internal/patch"

// Entry is one patch as a vendor's feed describes it: what it is, how to tell, and where its files are. Feeds' parsers give entries;
// the catalog makes lists, signatures and payload indexes of them.
type Entry struct {
	Patch      patch.Patch
	Definition Definition
	Files      []patch.PayloadFile
	Asks       []Asks // of each of Files; none where the feed does not tell
}

// Asks is what a package file asks of others and what it provides, as numbers of words that many files share.
type Asks struct {
	Words                         *[]string // capabilities as rpm writes them; nil: nothing is known of the file
	Requires, Conflicts, Provides []uint32
}
