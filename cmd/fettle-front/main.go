// Command fettle-front is what people call fettle. It does one thing itself, the detect that cron jobs and image builds repeat
//
//	fettle detect --catalog FILE --root DIR --snapshot FILE
//
// and becomes the whole program, fettle-server beside it, for everything else: other commands, other flags, and a detect that fails, so
// that nothing is parsed or worded in two ways.
//
// Why there are two: a process of the whole program takes 4.7 ms before its main begins, most of it for what its libraries set up (CEL with
// protocol buffers, SQLite), and one of this 1.2 ms, where such a detect of 50,000 definitions takes 5. No build of one program avoids
// that: a language initialises whatever is linked.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/fettle-project/fettle/internal/standalone"
)

var version = "dev" // set by the build

// whole is the program that can do everything.
const whole = "fettle-server"

func main() {
	if o, ok := plain(os.Args[1:]); ok {
		standalone.Short()
		if standalone.Detect(context.Background(), o) == nil {
			return
		}
	}
	err := become(whole)
	fmt.Fprintf(os.Stderr, "fettle: cannot run %s\n  why: %v\n  do:  Install %[1]s beside fettle, from the same build.\n", whole, err)
	os.Exit(3)
}

// plain understands the one detect and nothing that would need interpretation.
func plain(args []string) (o standalone.Options, ok bool) {
	if len(args) != 7 || args[0] != "detect" {
		return o, false
	}
	o = standalone.Options{Version: version, Out: os.Stdout}
	for i := 1; i < len(args); i += 2 {
		to := map[string]*string{"--catalog": &o.Catalog, "--root": &o.Root, "--snapshot": &o.Snapshot}[args[i]]
		if to == nil || *to != "" || strings.HasPrefix(args[i+1], "-") {
			return o, false
		}
		*to = args[i+1]
	}
	return o, o.Catalog != "" && o.Snapshot != "" && filepath.IsAbs(o.Root)
}

// become turns this process into another program of the same folder, and returns only where it cannot.
func become(name string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(filepath.Join(filepath.Dir(self), name), os.Args, os.Environ())
}
