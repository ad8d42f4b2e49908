package web

import (
	"strconv"

	"github.com/fettle-project/fettle/internal/phrase"
)

// tab is one way to narrow a list, with the number of rows it leads to.
type tab struct {
	Word      phrase.Phrase
	Mark, URL string
	Count     int
	Current   bool
}

// pager leads through a long list.
type pager struct {
	From, To, Total int
	Prev, Next      string
}

func (v *visit) pager(offset, size, shown, total int) pager {
	p := pager{From: offset + 1, To: offset + shown, Total: total}
	if shown == 0 {
		p.From = 0
	}
	page := offset/size + 1
	if page > 1 {
		p.Prev = v.with("page", strconv.Itoa(page-1))
	}
	if offset+shown < total {
		p.Next = v.with("page", strconv.Itoa(page+1))
	}
	return p
}

// page cuts one page out of a list that is in memory.
func page[T any](list []T, offset, size int) []T {
	if offset >= len(list) {
		return nil
	}
	return list[offset:min(offset+size, len(list))]
}
