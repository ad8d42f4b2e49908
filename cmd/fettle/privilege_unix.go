//go:build unix

package main

import (
	"errors"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// defaultUser is the system user that the appliance runs as unless told otherwise.
const defaultUser = "fettle"

// identity is an unprivileged user and group.
type identity struct {
	name     string
	uid, gid int
}

// dropPrivileges makes a process that was started as root become the owner of the data directory, for ever, before anything is
// opened or listened on. A process that is not root stays who it is. There is no way to run the appliance as root.
func dropPrivileges(data string) error {
	if os.Getuid() != 0 && os.Geteuid() != 0 {
		return nil
	}
	st, err := os.Stat(data)
	if err != nil {
		return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot use the data directory {1}", data), Err: err, Do: phrase.Of("Run `fettle init --data {1}` first.", data)}
	}
	own := st.Sys().(*syscall.Stat_t)
	if own.Uid == 0 {
		return &patch.Error{
			Kind: patch.Forbidden, What: "the appliance does not run as root", Why: phrase.Of("its data directory {1} belongs to root", data),
			Do: phrase.Of("Give the directory to an unprivileged user (chown -R USER {1}), or set it up with `fettle init --user USER`.", data),
		}
	}
	return become(identity{uid: int(own.Uid), gid: int(own.Gid)})
}

// become changes groups, group and user of all threads, in this order, and makes sure that there is no way back.
func become(id identity) error {
	if id.gid == 0 {
		return &patch.Error{Kind: patch.Forbidden, What: "the appliance does not run with root's group", Why: "the data directory belongs to group 0", Do: "Give the directory to the user's own group."}
	}
	steps := []struct {
		name string
		do   func() error
	}{
		{"setgroups", func() error { return syscall.Setgroups([]int{id.gid}) }},
		{"setgid", func() error { return syscall.Setgid(id.gid) }},
		{"setuid", func() error { return syscall.Setuid(id.uid) }},
	}
	for _, s := range steps {
		if err := s.do(); err != nil {
			return &patch.Error{Kind: patch.Forbidden, What: "cannot give up root's rights", Why: phrase.Verbatim(s.name), Err: err}
		}
	}
	if os.Geteuid() == 0 || os.Getegid() == 0 || syscall.Setuid(0) == nil {
		return &patch.Error{Kind: patch.Forbidden, What: "cannot give up root's rights", Why: "the process could still become root again"}
	}
	return nil
}

// chooseIdentity finds whom the data directory shall belong to: the named user, else the system user fettle, else the caller if it
// is not root.
func chooseIdentity(name string) (identity, error) {
	if name == "" && os.Geteuid() != 0 {
		return identity{uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	wanted := name
	if wanted == "" {
		wanted = defaultUser
	}
	u, err := user.Lookup(wanted)
	var unknown user.UnknownUserError
	if errors.As(err, &unknown) {
		return identity{}, &patch.Error{
			Kind: patch.Invalid, What: phrase.Format("there is no user %q on this machine", wanted), Why: "the appliance does not run as root and needs a user of its own",
			Do: "Create one (useradd --system --home-dir " + defaultData + " --shell /usr/sbin/nologin " + defaultUser + ") or name another with --user.",
		}
	}
	if err != nil {
		return identity{}, &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot look the user {1} up", wanted), Err: err}
	}
	id, err := parseIdentity(u)
	if err != nil {
		return identity{}, err
	}
	if id.uid == 0 {
		return identity{}, &patch.Error{Kind: patch.Forbidden, What: "the appliance does not run as root", Do: "Name an unprivileged user with --user."}
	}
	if os.Geteuid() != 0 && id.uid != os.Geteuid() {
		return identity{}, &patch.Error{Kind: patch.Forbidden, What: phrase.Of("cannot set the appliance up for {1}", wanted), Why: "only root can give a directory to another user", Do: "Run `fettle init` as root, or without --user."}
	}
	return id, nil
}

func parseIdentity(u *user.User) (identity, error) {
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return identity{}, patch.Errorf(patch.Internal, "cannot understand the user id %q", u.Uid)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return identity{}, patch.Errorf(patch.Internal, "cannot understand the group id %q", u.Gid)
	}
	return identity{name: u.Username, uid: uid, gid: gid}, nil
}

// owner is whom a directory belongs to. Where the caller is root that must be somebody else.
func owner(dir string) (identity, error) {
	if os.Geteuid() != 0 {
		return identity{uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	st, err := os.Stat(dir)
	if err != nil {
		return identity{}, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot use the data directory {1}", dir), Err: err}
	}
	own := st.Sys().(*syscall.Stat_t)
	if own.Uid == 0 || own.Gid == 0 {
		return identity{}, &patch.Error{Kind: patch.Forbidden, What: phrase.Of("cannot use the data directory {1}", dir), Why: "it belongs to root, and the appliance does not run as root"}
	}
	return identity{uid: int(own.Uid), gid: int(own.Gid)}, nil
}

// as does something with another user's rights, where the caller is root, and comes back: what it makes belongs to that user.
func as(id identity, do func() error) (err error) {
	if os.Geteuid() != 0 {
		return do()
	}
	if err := errors.Join(syscall.Setegid(id.gid), syscall.Seteuid(id.uid)); err != nil {
		return &patch.Error{Kind: patch.Forbidden, What: "cannot act as the appliance's user", Err: err}
	}
	defer func() { err = errors.Join(err, syscall.Seteuid(0), syscall.Setegid(0)) }()
	return do()
}

// give makes a directory another user's, where the caller is root.
func give(dir string, id identity) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return os.Chown(dir, id.uid, id.gid)
}
