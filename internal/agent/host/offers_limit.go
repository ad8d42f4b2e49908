//go:build windows || darwin

package host

import "time"

// offersLimit is how long an operating system's updater may take to answer.
const offersLimit = 15 * time.Minute
