//go:build !unix

package main

import "github.com/fettle-project/fettle/internal/patch"

type identity struct {
	name     string
	uid, gid int
}

func dropPrivileges(string) error { return nil }

func become(identity) error { return nil }

func chooseIdentity(string) (identity, error) {
	return identity{}, &patch.Error{Kind: patch.Invalid, What: "the appliance runs on Unix systems only", Do: "Use this program here for its commands, and run `fettle serve` on Linux."}
}

func owner(string) (identity, error) { return identity{}, nil }

func as(_ identity, do func() error) error { return do() }

func give(string, identity) error { return nil }
