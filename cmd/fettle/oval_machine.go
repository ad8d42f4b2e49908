package main

import (
	"cmp"
	"context"
	"io"
	"os"
	"runtime"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/feed/oval"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/probe"
)

// readOVAL opens one file of whatever kind read reads.
func readOVAL[T any](path string, read func(io.Reader) (T, error)) (T, error) {
	f, err := os.Open(path)
	if err != nil {
		var none T
		return none, &patch.Error{Kind: patch.NotFound, What: phrase.Of("cannot open {1}", path), Err: err}
	}
	defer f.Close()
	return read(debian.Decompress(path, f, oval.MaxDocument))
}

// machine gives the machine to judge, and says in o what reading must know of it.
func (c ovalEvalCmd) machine(ctx context.Context, o *oval.Options) (ovalMachine, error) {
	if c.Syschar != "" {
		recorded, err := readOVAL(c.Syschar, oval.ReadCharacteristics)
		if err != nil {
			return ovalMachine{}, err
		}
		o.Recorded = recorded
		return ovalMachine{src: recorded, close: func() error { return nil }}, nil
	}
	root := cmp.Or(c.Root, "/")
	machine, err := probe.Open(root)
	if err != nil {
		return ovalMachine{}, err
	}
	o.Family = "unix"
	if runtime.GOOS == "windows" {
		o.Family = "windows"
	}
	facts, err := host.CollectPackages(ctx, root)
	if err != nil {
		return ovalMachine{src: noPackages{err, machine}, close: machine.Close}, nil
	}
	return ovalMachine{facts: &facts, src: machine, close: machine.Close}, nil
}

// noPackages answers for a machine whose packages cannot be read: every question about them is in error.
type noPackages struct {
	err   error
	other item.Source
}

func (n noPackages) Probe(ctx context.Context, r item.Request) patch.Collected {
	switch r.Class {
	case "dpkginfo", "rpminfo", "apkinfo":
		return patch.Collected{Class: r.Class, Key: r.Key(), Flag: patch.FlagError, Message: n.err.Error()}
	}
	return n.other.Probe(ctx, r)
}
