package agent

import (
	"context"
	"maps"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// health asks the newest order's probes again: a machine that was well right after an install may not be so hours later. It gives nil
// where there are none, and while packages are in motion.
func (s *session) health(ctx context.Context) *patch.Health {
	st := s.get()
	if len(st.Probes) == 0 || s.activity() != "" {
		return nil
	}
	h := &patch.Health{Boot: s.cfg.Host.Boot(), Order: st.Asked}
	for _, p := range st.Probes {
		a := s.cfg.Prober.Probe(ctx, p, time.Duration(st.BootTook)*time.Second)
		if a.Ill = st.Ill[p]; a.OK {
			a.Ill = time.Time{}
		}
		h.Probes = append(h.Probes, a)
	}
	h.At = s.cfg.Now().UTC()
	if err := s.noteIll(h.Probes); err != nil {
		s.log.Warn("cannot keep which probes are well again", "err", err)
	}
	return h
}

// lookBefore asks an order's probes before anything of it is begun: what is not well by then is not the doing of what it installs.
func (r *run) lookBefore(ctx context.Context) error {
	for _, res := range r.journal.newest().Last {
		if res.State != patch.ExecDownloading && res.State != patch.ExecWaiting && res.State != patch.ExecWithdrawn {
			return nil // something may have been done already
		}
	}
	var answers []patch.ProbeAnswer
	now, st := r.cfg.Now().UTC(), r.get()
	for _, p := range r.order.Probes {
		a := r.cfg.Prober.Probe(ctx, p, time.Duration(st.BootTook)*time.Second)
		if since, known := st.Ill[p]; !a.OK && known {
			a.Ill = since
		} else if !a.OK {
			a.Ill = now
		}
		answers = append(answers, a)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return r.noteIll(answers)
}

// noteIll keeps since when which of these probes are not well.
func (s *session) noteIll(answers []patch.ProbeAnswer) error {
	ill := maps.Clone(s.get().Ill)
	if ill == nil {
		ill = map[patch.Probe]time.Time{}
	}
	for _, a := range answers {
		if a.Ill.IsZero() {
			delete(ill, a.Probe)
		} else {
			ill[a.Probe] = a.Ill
		}
	}
	if maps.Equal(ill, s.get().Ill) {
		return nil
	}
	return s.set(func(st *state) { st.Ill = ill })
}

// noteBoot remembers how long this boot took until the agent ran, at the agent's first start in it.
func (s *session) noteBoot(uptime time.Duration) error {
	boot := s.cfg.Host.Boot()
	if s.get().Boot == boot {
		return nil
	}
	return s.set(func(st *state) { st.Boot, st.BootTook = boot, int(uptime.Seconds()) })
}
