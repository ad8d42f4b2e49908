// Package schedule knows when: recurring windows of time with a start and an end, in a time zone, as a person writes them.
//
//	every day 22:00-04:00
//	mon-fri 12:00-13:00
//	sat,sun 00:00-24:00
//	second tuesday + 3 days 22:00-04:00 Europe/Berlin
//	last sunday 02:00-06:00
//	day 31 or last 23:00-01:00
//	day 29,30 20:00-22:00
//	every day 01:00-05:00 machine
//	second,fourth wed 21:00-23:30 except 2026-12-20..2027-01-06
//
// A window is named by wall-clock times. On the day on which clocks go forward, a time that does not exist is the first that exists after
// it; on the day on which they go back, a window begins at the first and ends at the last of two equal times: it is never shorter than
// a person would expect, and never longer than its wall clock says by more than the change itself.
//
// The package is pure: the moment and the zone are arguments. It knows no machine and no deployment.
package schedule
