package agent

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/lab"
)

// A real apt transaction on a real root of its own ext4 loses power at the flushes of its disk: right after one, and before one, with any part of
// what was written since the last one. The agent that starts on what is left brings the machine to an honest end.
func TestPowerLoss(t *testing.T) {
	if os.Getenv("FETTLE_KILLED_AS") == "powered" {
		machineThatLosesPower(t)
		return
	}
	p := newPowered(t)
	must(t, p.furnished(t))
	furnished := p.disk.Now()
	p.disk.PowerOn(furnished)
	began := time.Now()
	if o := p.does(t, "live"); o.State != "done" || len(o.Wrong) > 0 {
		t.Fatalf("the transaction on a disk that keeps its power: %+v", o)
	}
	losses := p.losses(t)
	p.does(t, "off")
	t.Logf("%d images of what is left, after a transaction of %s", len(losses), time.Since(began).Round(time.Millisecond))
	began = time.Now()
	ends := map[string]int{}
	for _, l := range losses {
		p.disk.PowerOn(l.image)
		o := p.does(t, "heal")
		ends[o.State]++
		if len(o.Wrong) > 0 {
			t.Errorf("%s: %s", l.when, strings.Join(o.Wrong, "\n\t"))
		}
	}
	t.Logf("%d losses of power in %s; ended as %v", len(losses), time.Since(began).Round(time.Second), ends)
	if ends["done"] == 0 || ends["failed"]+ends["done"] != len(losses) {
		t.Errorf("the machines ended as %v", ends)
	}
}

// A real machine's disk is full at any moment of an apt transaction. Once there is room, the agent brings it to an honest end.
func TestFullDiskOfARealMachine(t *testing.T) {
	p := newPowered(t)
	must(t, p.furnished(t))
	furnished := p.disk.Now()
	sizes := []int{0, 4, 8, 24, 48, 96, 160, 256, 512, 8192}
	if os.Getenv("FETTLE_LOSSES") == "all" {
		sizes = nil
		for kib := 0; kib <= 800; kib += 4 {
			sizes = append(sizes, kib)
		}
		sizes = append(sizes, 8192)
	}
	ends := map[string]int{}
	for _, kib := range sizes {
		p.disk.PowerOn(furnished)
		o := p.does(t, fmt.Sprintf("fill %d", kib))
		ends[o.State]++
		if len(o.Wrong) > 0 {
			t.Errorf("%d KiB were free: %s", kib, strings.Join(o.Wrong, "\n\t"))
		}
	}
	t.Logf("%d disks, full with 0 to 800 KiB to go; ended as %v", len(sizes), ends)
	if ends["failed"] == 0 || ends["done"] == 0 {
		t.Errorf("the disks were full in no part of the transaction, or in all: %v", ends)
	}
}

// powered is a machine on a disk whose power can fail.
type powered struct {
	*killed
	disk *lab.Disk
}

func newPowered(t *testing.T) powered {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: a real machine needs root")
	}
	for _, needed := range []string{"mmdebstrap", "mke2fs"} {
		if _, err := exec.LookPath(needed); err != nil {
			t.Skip("SKIPPED: a real machine needs " + needed)
		}
	}
	for _, needed := range []string{"/dev/fuse", "/dev/loop-control"} {
		if _, err := os.Stat(needed); err != nil {
			t.Skip("SKIPPED: a disk whose power fails needs " + needed)
		}
	}
	archive, err := lab.ReadArchive(t.Context())
	must(t, err)
	base, err := lab.MakeRoot(t.Context(), lab.CacheDir(), archive, lab.RootSpec{Release: "bookworm"})
	must(t, err)
	debs := t.TempDir()
	for _, version := range []string{"1.0-1", "1.0-2"} {
		buildDebs(t, debs, version)
	}
	image, err := lab.MakeExt4(t.Context(), filepath.Join(t.TempDir(), "image"), base, 1<<30)
	must(t, err)
	t.Cleanup(func() { image.Close() })
	disk, err := lab.NewDisk(t.TempDir(), image)
	must(t, err)
	t.Cleanup(func() { must(t, disk.Close()) })
	return powered{startMachine(t, "TestPowerLoss", "FETTLE_KILLED_AS=powered", "FETTLE_KILLED_DEBS="+debs, "FETTLE_KILLED_DEVICE="+disk.File, "FETTLE_KILLED_ROOT="+t.TempDir()), disk}
}

func (p powered) furnished(t *testing.T) error {
	if o := p.does(t, "furnish"); len(o.Wrong) > 0 {
		return fmt.Errorf("%s", o.Wrong)
	}
	return nil
}

// does has the machine do something: furnish, live, off or heal.
func (p powered) does(t *testing.T, what string) (o outcome) {
	if err := p.in.Encode(what); err != nil || !p.out.Scan() {
		t.Fatalf("the machine is lost: %v %v", err, p.out.Err())
	}
	must(t, json.Unmarshal(p.out.Bytes(), &o))
	return o
}

// loss is one loss of power.
type loss struct {
	when  string
	image *lab.Image
}

// losses are FETTLE_LOSSES images ("all": two at every flush), evenly over the life that the disk remembers.
func (p powered) losses(t *testing.T) (all []loss) {
	flushes := p.disk.Flushes()
	if len(flushes) < 20 {
		t.Fatalf("apt flushed only %d times", len(flushes))
	}
	seed := rand.Uint64() >> 44
	if given := os.Getenv("FETTLE_KILLS_SEED"); given != "" {
		n, err := strconv.ParseUint(given, 10, 64)
		must(t, err)
		seed = n
	}
	chance := rand.New(rand.NewPCG(seed, 1))
	t.Logf("%d flushes among %d writes; again with FETTLE_KILLS_SEED=%d", len(flushes), p.disk.Written()-len(flushes), seed)
	want := 12
	if given := os.Getenv("FETTLE_LOSSES"); given == "all" {
		want = 2 * len(flushes)
	} else if given != "" {
		n, err := strconv.Atoi(given)
		must(t, err)
		want = min(n, 2*len(flushes))
	}
	for i := range want {
		at := flushes[i*len(flushes)/want]
		l, n, chance := loss{when: fmt.Sprintf("before flush %d with a part of what was written", at)}, at, chance
		if i%2 == 0 {
			l.when, n, chance = fmt.Sprintf("after flush %d", at), at+1, nil
		}
		image, err := p.disk.Lost(n, chance)
		must(t, err)
		all = append(all, loss{l.when, image})
	}
	return all
}

// machineThatLosesPower is the first process of a machine whose root is on a device.
func machineThatLosesPower(t *testing.T) {
	runtime.LockOSThread()
	m := mortal{root: os.Getenv("FETTLE_KILLED_ROOT"), device: os.Getenv("FETTLE_KILLED_DEVICE")}
	must(t, syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
	must(t, syscall.Mount("proc", "/proc", "proc", 0, ""))
	orders, out := json.NewDecoder(bufio.NewReader(os.Stdin)), json.NewEncoder(os.NewFile(3, "out"))
	for {
		var what string
		if err := orders.Decode(&what); err == io.EOF {
			os.Exit(0)
		} else {
			must(t, err)
		}
		must(t, out.Encode(m.obey(t, what)))
	}
}

func (m *mortal) obey(t *testing.T, what string) (o outcome) {
	if what == "off" {
		m.powerOff(t)
		return o
	}
	m.powerOn(t)
	var kib int64
	switch n, _ := fmt.Sscanf(what, "fill %d", &kib); {
	case n == 1:
		filler := m.fill(t, kib)
		_, _ = m.heal(t, &o) // it may be unable to say a word
		m.killer.Sweep()
		must(t, os.Remove(filler))
		o = m.ends(t)
	case what == "furnish":
		m.furnish(t)
	default:
		o = m.ends(t)
	}
	if what != "live" { // whose disk is looked at before it is told to write all that it has
		m.powerOff(t)
	}
	return o
}

// ends lets an agent live until its order has ended, and judges the machine.
func (m *mortal) ends(t *testing.T) (o outcome) {
	told, err := m.heal(t, &o)
	if err != nil {
		o.Wrong = append(o.Wrong, "the agent: "+err.Error())
	}
	m.judge(t, told, &o)
	return o
}

// fill leaves so much of the disk free, even to root.
func (m *mortal) fill(t *testing.T, kib int64) (filler string) {
	filler = m.root + "/filler"
	f, err := os.Create(filler)
	must(t, err)
	defer f.Close()
	size := int64(0)
	for piece := int64(64 << 20); piece >= 4<<10; {
		if err := syscall.Fallocate(int(f.Fd()), 0, size, piece); err != nil {
			piece /= 2
			continue
		}
		size += piece
	}
	must(t, f.Truncate(size-kib<<10))
	must(t, f.Sync())
	return filler
}

// powerOn mounts what is on the disk: ext4 goes on from its journal.
func (m *mortal) powerOn(t *testing.T) {
	if out, err := exec.Command("mount", "-t", "ext4", "-o", "loop,noatime", m.device, m.root).CombinedOutput(); err != nil {
		t.Fatalf("the file system cannot be mounted: %s", out)
	}
	m.mountKernel(t)
}

func (m *mortal) powerOff(t *testing.T) {
	m.killer.Sweep()
	for _, d := range []string{"/proc", "/dev", ""} {
		must(t, syscall.Unmount(m.root+d, 0))
	}
}
