package host

import (
	"net"

	"github.com/fettle-project/fettle/internal/patch"
)

// PeerOf says who is at the other end of a socket, which Windows does not.
func PeerOf(*net.UnixConn) (Peer, error) {
	return peerOf(-1), patch.Errorf(patch.Unavailable, "the system does not say who asks")
}

// Owns says whether a terminal is this account's.
func (Peer) Owns(string) bool { return false }
