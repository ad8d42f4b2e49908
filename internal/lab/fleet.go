package lab

import (
	"context"
	"fmt"
	"time"
)

// Subscribe subscribes the appliance to a release's three suites on this machine's own mirror and brings the catalog up to date.
func (a *Appliance) Subscribe(ctx context.Context, archive Archive, release string) error {
	if err := a.AddFeeds(ctx, archive, release); err != nil {
		return err
	}
	_, err := a.CLI(ctx, "catalog", "sync")
	return err
}

// AddFeeds subscribes the appliance to a release's three suites and fetches nothing yet.
func (a *Appliance) AddFeeds(ctx context.Context, archive Archive, release string) error {
	suites, err := archive.Suites(release)
	if err != nil {
		return err
	}
	for _, s := range suites {
		if err := a.AddFeed(ctx, archive, s); err != nil {
			return err
		}
	}
	return nil
}

// AddFeed subscribes the appliance to one suite, or changes nothing where it is, and fetches nothing yet.
func (a *Appliance) AddFeed(ctx context.Context, archive Archive, s Source) error {
	args := []string{"feeds", "add", "--name", "debian-" + s.Suite, "--apt", s.Line()}
	if archive.IgnoreExpiry {
		args = append(args, "--ignore-expiry")
	}
	_, err := a.CLI(ctx, args...)
	return err
}

// NewToken makes an enrolment token for one machine.
func (a *Appliance) NewToken(ctx context.Context, name string) (string, error) {
	var made struct {
		Token string `json:"token"`
	}
	err := a.JSON(ctx, &made, "tokens", "add", name, "--uses", "1", "--json")
	return made.Token, err
}

// Join enrols a new machine with a token of its own, admits it, and gives it with its agent running.
func (a *Appliance) Join(ctx context.Context, spec AgentSpec) (*Machine, error) {
	token, err := a.NewToken(ctx, spec.Hostname)
	if err != nil {
		return nil, err
	}
	m, err := a.Enrol(ctx, spec, token)
	if err != nil {
		return nil, err
	}
	if _, err := a.CLI(ctx, "machines", "admit", spec.Hostname); err != nil {
		m.Stop()
		return nil, err
	}
	return m, nil
}

// Snapshot is the newest complete detect of a machine, as the appliance has it.
type Snapshot struct {
	Seq       uint64    `json:"seq"`
	Revision  string    `json:"revision"`
	Expected  int       `json:"expected"`
	Evaluated int       `json:"evaluated"`
	Started   time.Time `json:"started"`
	Ended     time.Time `json:"ended"`
}

// WaitSnapshot waits until the appliance has a complete snapshot of the machine with at least this sequence number.
func (a *Appliance) WaitSnapshot(ctx context.Context, machine string, seq uint64) (Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		var d struct {
			Machine struct {
				Receipt      *Snapshot `json:"receipt"`
				DetectFailed string    `json:"detect_failed"`
			} `json:"machine"`
		}
		if err := a.JSON(ctx, &d, "machines", "show", machine, "--json"); err != nil {
			return Snapshot{}, err
		}
		if r := d.Machine.Receipt; r != nil && r.Seq >= seq {
			return *r, nil
		}
		select {
		case <-ctx.Done():
			return Snapshot{}, fmt.Errorf("no complete snapshot of %s within two minutes (its last failed detect: %q)", machine, d.Machine.DetectFailed)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
