package main

import (
	"context"
	"fmt"
	"time"

	"github.com/fettle-project/fettle/internal/lab"
)

const (
	talkRate   = 60               // detects a second that say something new, and as many that do not: a fleet of 10,000 sends some 11
	talkers    = 300              // machines beyond the fleet
	talkPrefix = "talking-"       // of their names
	talkBegins = 20 * time.Second // by then they have enrolled
)

// whileTalking does something while machines send their detects at a steady rate; the machines are gone afterwards.
func whileTalking(ctx context.Context, a *lab.Appliance, do func() error) error {
	fmt.Printf("the same while machines talk, %d times a second …\n", talkRate)
	talk, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		_, err := a.CLI(talk, "simulate", "--machines", fmt.Sprint(talkers), "--rate", fmt.Sprint(talkRate), "--rounds", "1000", "--prefix", talkPrefix, "--server", "https://"+a.Agents)
		ended <- err
	}()
	defer stop()
	select {
	case err := <-ended:
		return fmt.Errorf("the machines fell silent: %w", err)
	case <-time.After(talkBegins):
	case <-ctx.Done():
	}
	err := do()
	select {
	case silent := <-ended:
		return fmt.Errorf("the machines fell silent: %w", silent)
	default:
	}
	stop()
	<-ended
	if err != nil {
		return err
	}
	_, err = a.CLI(ctx, "simulate", "--remove", "--prefix", talkPrefix)
	return err
}
