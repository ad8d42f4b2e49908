package sdp

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// LZX is the packing of catalogs and of wsusscn2.cab: [MS-PATCH] 2 without its delta parts, as a cabinet holds it. A block of the cabinet is a
// frame of 32 KiB; the window, the lengths of the codes, the repeated offsets and an LZX block that is not at its end go on in the next frame.

const (
	lzxFrame     = 32 << 10
	lzxMinWindow = 15
	lzxMaxWindow = 21
	lzxMaxSlots  = 50
	lzxMainCodes = 256 + 8*lzxMaxSlots
	lzxLengths   = 249
)

const (
	lzxVerbatim = 1
	lzxAligned  = 2
	lzxStored   = 3
)

var (
	errLZXOffset = errors.New("the LZX data refer to bytes before their beginning")
	errLZXBeyond = errors.New("an LZX match goes beyond its block or frame")
)

// lzxDecoder unpacks the frames of one folder after the other; its window is kept for the next folder.
type lzxDecoder struct {
	in     lzxBits
	window []byte
	total  int // bytes before this frame
	slots  int
	ended  bool
	repeat [3]uint32
	calls  int32 // the size that calls (E8) are translated with; 0: they are not

	kind, size, left int // the block: its kind, its bytes, those to come
	main, length     lzxTree
	aligned          lzxTree
	mainLengths      [lzxMainCodes]byte
	lengthLengths    [lzxLengths]byte
	out              [lzxFrame]byte
}

// reset begins a folder whose window is of 2^bits bytes.
func (d *lzxDecoder) reset(bits int) error {
	if bits < lzxMinWindow || bits > lzxMaxWindow {
		return fmt.Errorf("the cabinet asks for an LZX window of 2^%d bytes; from 2^%d to 2^%d can be", bits, lzxMinWindow, lzxMaxWindow)
	}
	window := d.window
	if cap(window) < 1<<bits {
		window = make([]byte, 1<<bits)
	}
	slots := 0
	for base := 0; base < 1<<bits; slots++ {
		base += 1 << lzxExtra(slots)
	}
	*d = lzxDecoder{window: window[:1<<bits], slots: slots, repeat: [3]uint32{1, 1, 1}}
	return nil
}

// frame unpacks one block of the cabinet to n bytes, which are valid until the next call.
func (d *lzxDecoder) frame(packed []byte, n int) ([]byte, error) {
	if d.ended || n > lzxFrame {
		return nil, errors.New("an LZX frame that is not the last one is not of 32 KiB")
	}
	d.in.add(packed)
	if d.total == 0 && d.in.take(1) == 1 {
		d.calls = int32(d.in.take(32))
	}
	start := d.total & (len(d.window) - 1)
	for at, end := start, start+n; at < end; {
		if err := d.begin(); err != nil {
			return nil, err
		}
		run := min(d.left, end-at)
		if err := d.fill(at, at+run, start); err != nil {
			return nil, err
		}
		at, d.left = at+run, d.left-run
	}
	if d.in.align(); d.in.short || d.in.rest() > 1 {
		return nil, errors.New("an LZX frame has more or fewer bytes than it needs")
	}
	out := d.out[:copy(d.out[:], d.window[start:start+n])]
	if d.calls != 0 {
		lzxUncall(out, d.total, d.calls)
	}
	d.total, d.ended = d.total+n, n < lzxFrame
	return out, nil
}

// begin reads the head of a block where the one before is at its end; a block may be empty.
func (d *lzxDecoder) begin() error {
	for d.left == 0 {
		if d.kind == lzxStored && d.size&1 == 1 {
			d.in.raw(make([]byte, 1))
		}
		d.kind, d.size = int(d.in.take(3)), int(d.in.take(24))
		if d.left = d.size; d.in.short {
			return errLZXShort
		}
		var err error
		switch d.kind {
		case lzxVerbatim:
			err = d.trees()
		case lzxAligned:
			var lengths [8]byte
			for i := range lengths {
				lengths[i] = byte(d.in.take(3))
			}
			if err = d.aligned.build(lengths[:]); err == nil {
				err = d.trees()
			}
		case lzxStored:
			d.in.skipWord()
			var b [12]byte
			d.in.raw(b[:])
			for i := range d.repeat {
				d.repeat[i] = binary.LittleEndian.Uint32(b[4*i:])
			}
		default:
			err = errors.New("an LZX block is of an unknown kind")
		}
		if err != nil {
			return err
		}
		if d.in.short {
			return errLZXShort
		}
	}
	return nil
}

// fill unpacks the bytes from at to end of the window; the frame began at start.
func (d *lzxDecoder) fill(at, end, start int) error {
	if d.kind == lzxStored {
		if d.in.raw(d.window[at:end]); d.in.short {
			return errLZXShort
		}
		return nil
	}
	for at < end {
		code := d.main.next(&d.in)
		if code < 256 {
			d.window[at] = byte(code)
			at++
		} else {
			n, offset := d.match(code - 256)
			if n > end-at {
				return errLZXBeyond
			}
			if offset == 0 || offset > uint32(len(d.window)) || int(offset) > d.total+at-start {
				return errLZXOffset
			}
			d.copy(at, n, int(offset))
			at += n
		}
		if d.in.short {
			return errLZXShort
		}
	}
	return nil
}

// match reads what follows the code of a match: its length and how far back it lies.
func (d *lzxDecoder) match(code int) (n int, offset uint32) {
	n = 2 + code&7
	if n == 9 {
		n += d.length.next(&d.in)
	}
	slot := code >> 3
	if slot < 3 {
		d.repeat[0], d.repeat[slot] = d.repeat[slot], d.repeat[0]
		return n, d.repeat[0]
	}
	offset = lzxBase(slot) - 2
	extra := lzxExtra(slot)
	if d.kind == lzxAligned && extra >= 3 {
		offset += d.in.take(extra-3) << 3
		offset += uint32(d.aligned.next(&d.in))
	} else {
		offset += d.in.take(extra)
	}
	d.repeat = [3]uint32{offset, d.repeat[0], d.repeat[1]}
	return n, offset
}

func (d *lzxDecoder) copy(at, n, offset int) {
	from, mask := (at-offset)&(len(d.window)-1), len(d.window)-1
	if offset >= n && from+n <= len(d.window) {
		copy(d.window[at:at+n], d.window[from:])
		return
	}
	for i := range n {
		d.window[at+i] = d.window[(from+i)&mask]
	}
}

// lzxExtra is how many bits follow the code of a position slot, lzxBase the first position of the slot.
func lzxExtra(slot int) int { return max(0, min(slot/2-1, 17)) }

func lzxBase(slot int) uint32 {
	if slot < 4 {
		return uint32(slot)
	}
	if slot < 36 {
		return uint32(2+slot&1) << lzxExtra(slot)
	}
	return uint32(slot-34) << 17
}

// lzxUncall makes the targets of calls relative again: packed they are absolute, so that calls of one function are alike.
// The last ten bytes of a frame stay as they are; so would what lies beyond maxCabFolder.
func lzxUncall(frame []byte, at int, size int32) {
	le := binary.LittleEndian
	for i := 0; i < len(frame)-10; i++ {
		if frame[i] != 0xe8 {
			continue
		}
		target, here := int32(le.Uint32(frame[i+1:])), int32(at+i)
		switch {
		case target >= 0 && target < size:
			le.PutUint32(frame[i+1:], uint32(target-here))
		case target < 0 && target >= -here && target < size:
			le.PutUint32(frame[i+1:], uint32(target+size))
		}
		i += 4
	}
}
