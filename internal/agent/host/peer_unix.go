//go:build linux || darwin

package host

import (
	"net"
	"os"
	"syscall"

	"github.com/fettle-project/fettle/internal/patch"
)

// PeerOf says who is at the other end of a socket.
func PeerOf(c *net.UnixConn) (Peer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	uid, asked := 0, error(nil)
	if err := raw.Control(func(fd uintptr) { uid, asked = peerUID(int(fd)) }); err != nil {
		return Peer{}, err
	}
	if asked != nil {
		return Peer{}, patch.Errorf(patch.Unavailable, "the system does not say who asks: %w", asked)
	}
	return peerOf(uid), nil
}

// Owns says whether a terminal is this account's.
func (p Peer) Owns(terminal string) bool {
	at, err := os.Stat(terminal)
	if err != nil {
		return true // it was closed
	}
	st, ok := at.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == p.uid
}
