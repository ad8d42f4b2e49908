//go:build !race

package sdp

const raced = false
