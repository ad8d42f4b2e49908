package host

import (
	"os/user"
	"strconv"
	"strings"
)

// Peer is somebody on this machine who speaks to the agent, by the kernel's word.
type Peer struct {
	Name string // of the account; its number where that has no name fit to be shown
	Root bool
	uid  int
}

func peerOf(uid int) Peer {
	p := Peer{Name: "user " + strconv.Itoa(uid), Root: uid == 0, uid: uid}
	u, err := user.LookupId(strconv.Itoa(uid))
	if err == nil && u.Username != "" && len(u.Username) <= 32 && strings.Trim(u.Username, accountLetters) == "" {
		p.Name = u.Username
	}
	return p
}

const accountLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
