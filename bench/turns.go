package main

import (
	"runtime"
	"slices"
	"time"
)

// Two sides are compared by answers in turns, so that whatever else this machine does meanwhile falls on both, and by the median of these: one
// that the collector of garbage or another process fell into is as little an answer as the luckiest.
const (
	fewTurns  = 5                    // where a turn takes long to prepare
	mostTurns = 25                   // else
	turnsSpan = 4 * time.Second      // by when no further turn begins
	turnSpan  = 5 * time.Millisecond // of one side: what takes microseconds is asked again and again so long
)

// inTurns gives the median of what one answer of each side took.
func inTurns(ours, theirs func() error) (one, other time.Duration, err error) {
	var a, b []time.Duration
	begun := time.Now()
	for len(a) < fewTurns || len(a) < mostTurns && time.Since(begun) < turnsSpan {
		if one, err = mean(ours); err != nil {
			return 0, 0, err
		}
		if other, err = mean(theirs); err != nil {
			return 0, 0, err
		}
		a, b = append(a, one), append(b, other)
	}
	return median(a), median(b), nil
}

// mean is what one answer takes, of as many as there are in a turn.
func mean(do func() error) (time.Duration, error) {
	begun, n := time.Now(), 0
	for n == 0 || time.Since(begun) < turnSpan {
		if err := do(); err != nil {
			return 0, err
		}
		n++
	}
	return time.Since(begun) / time.Duration(n), nil
}

// andOne adds what one answer took to those before it. What was left to collect before it is not in it.
func andOne(before []time.Duration, do func() error) ([]time.Duration, error) {
	runtime.GC()
	begun := time.Now()
	err := do()
	return append(before, time.Since(begun)), err
}

func median(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}
