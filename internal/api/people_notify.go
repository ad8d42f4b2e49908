package api

import "github.com/fettle-project/fettle/internal/notify"

func (s *people) listChannels(c *call) (any, error) {
	l, err := s.Notify.List(c.Context())
	return listOf(l), err
}

// putChannel takes secrets in; the answer has none but a signing key that was made just now.
func (s *people) putChannel(c *call) (any, error) {
	in, err := decode[notify.Request](c)
	if err != nil {
		return nil, err
	}
	in.Name = c.PathValue("channel")
	return s.Notify.Put(c.Context(), c.caller, in)
}

func (s *people) removeChannel(c *call) (any, error) {
	return nil, s.Notify.Remove(c.Context(), c.caller, c.PathValue("channel"))
}

// testChannel sends a message now and says how it fared; a test that failed is an answer, not an error.
func (s *people) testChannel(c *call) (any, error) {
	return s.Notify.Test(c.Context(), c.caller, c.PathValue("channel"))
}

func (s *people) listDeliveries(c *call) (any, error) {
	limit, err := c.number("limit", 100, 10_000)
	if err != nil {
		return nil, err
	}
	l, err := s.Notify.Deliveries(c.Context(), c.text("channel"), limit)
	return listOf(l), err
}
