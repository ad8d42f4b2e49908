package api

import "github.com/fettle-project/fettle/internal/patch"

// Storage is how much the appliance keeps of what machines sent, and what it has let go.
type Storage struct {
	Facts patch.Keeping `json:"facts"`
}

// storage gives what was counted when the appliance last looked after what it keeps.
func (s *people) storage(c *call) (any, error) {
	k, err := s.Store.FindKeeping(c.Context())
	return Storage{Facts: k}, err
}
