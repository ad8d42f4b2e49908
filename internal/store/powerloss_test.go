package store

import (
	"bufio"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/fettle-project/fettle/internal/lab"
)

// ack is a round that was acknowledged, and how much the disk had been told to write by then.
type ack struct {
	round   uint64
	written int
}

// A database on a disk of its own loses power right after an acknowledgement, with any part of what was written and not yet flushed: whatever was
// acknowledged is there.
func TestPowerLossLosesNothingAcknowledged(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: a disk whose power fails needs root")
	}
	for _, needed := range []string{"/dev/fuse", "/dev/loop-control", "/sbin/mke2fs"} {
		if _, err := os.Stat(needed); err != nil {
			t.Skip("SKIPPED: a disk whose power fails needs " + needed)
		}
	}
	losses := 12
	if os.Getenv("FETTLE_TORTURE") != "" {
		losses = 400
	}
	image, err := lab.MakeExt4(t.Context(), filepath.Join(t.TempDir(), "image"), "", 64<<20)
	must(t, err)
	defer image.Close()
	disk, err := lab.NewDisk(t.TempDir(), image)
	must(t, err)
	defer func() { must(t, disk.Close()) }()
	first := powerOn(t, disk.File)
	s, err := Open(ctx, first.url, Options{})
	must(t, err)
	deployed(t, s)
	must(t, s.Close())
	first.unmount(t)
	disk.PowerOn(disk.Now())

	first = powerOn(t, disk.File)
	acks := writeOn(t, first.url, disk, losses)
	images := make([]*lab.Image, len(acks))
	chance := rand.New(rand.NewPCG(1, uint64(len(acks))))
	for i, a := range acks {
		images[i], err = disk.Lost(a.written, chance)
		must(t, err)
	}
	first.unmount(t)
	for i, a := range acks {
		disk.PowerOn(images[i])
		m := powerOn(t, disk.File)
		checkAcknowledged(t, m.url, a.round)
		m.unmount(t)
	}
	t.Logf("%d acknowledgements outlived a loss of power", len(acks))
}

// writeOn lets a child write until it has acknowledged n rounds.
func writeOn(t *testing.T, url string, disk *lab.Disk, n int) (acks []ack) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "FETTLE_TEST_WRITER="+url)
	child.Stderr = os.Stderr
	pipe, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	defer child.Wait()
	defer child.Process.Kill()
	for lines := bufio.NewScanner(pipe); len(acks) < n && lines.Scan(); {
		var a acknowledged
		must(t, json.Unmarshal(lines.Bytes(), &a))
		if a.Caught != "" {
			t.Fatalf("the child failed: %s", a.Caught)
		}
		acks = append(acks, ack{a.Round, disk.Written()})
	}
	return acks
}

// mounted is a file system with a database.
type mounted struct{ dir, url string }

func powerOn(t *testing.T, device string) mounted {
	t.Helper()
	m := mounted{dir: t.TempDir()}
	m.url = "sqlite://" + filepath.Join(m.dir, "fettle.db")
	if out, err := exec.Command("mount", "-t", "ext4", "-o", "loop", device, m.dir).CombinedOutput(); err != nil {
		t.Fatalf("the file system cannot be mounted: %s", out)
	}
	t.Cleanup(func() { syscall.Unmount(m.dir, syscall.MNT_DETACH) })
	return m
}

func (m mounted) unmount(t *testing.T) {
	t.Helper()
	must(t, syscall.Unmount(m.dir, 0))
}
