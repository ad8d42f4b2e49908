package patch

import "time"

// View is a page of the console as somebody keeps it: narrowed and sorted, under a name.
type View struct {
	Page   string    `json:"page"` // "machines"
	Owner  string    `json:"owner"`
	Name   string    `json:"name"`
	Query  string    `json:"query"`  // the question of the page's address: "show=stale&sort=seen"
	Shared bool      `json:"shared"` // everybody sees it
	At     time.Time `json:"at"`
}
