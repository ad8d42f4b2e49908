package rpmdb

import (
	"encoding/binary"
)

// Limits of a write-ahead log; rpm's grows to some MB before SQLite merges it.
const (
	maxFrames   = 1 << 19
	walHeader   = 32
	frameHeader = 24
)

// log is a write-ahead log (SQLite file format, 4): the newest committed content of pages that the database file does not have yet.
type log struct {
	src      *source
	pageSize int
	frames   map[uint32]int64 // page number -> where its newest content is
	pages    uint32           // size of the database after the last commit
}

// openLog reads which pages a log has. What comes after the last commit, or is left from before the log was begun anew, counts for
// nothing, as it does for SQLite itself. A log without a commit is nil.
func openLog(f File) (*log, error) {
	src, err := newSource(f)
	if err != nil || src.size < walHeader {
		return nil, err
	}
	h := make([]byte, walHeader)
	if err := src.read(h, 0); err != nil {
		return nil, err
	}
	magic := binary.BigEndian.Uint32(h)
	l := &log{src: src, pageSize: int(binary.BigEndian.Uint32(h[8:])), frames: map[uint32]int64{}}
	sum := checksum{order: binary.LittleEndian}
	if magic == 0x377f0683 {
		sum.order = binary.BigEndian
	}
	sum.add(h[:24])
	if magic&^1 != 0x377f0682 || !sum.is(h[24:]) || l.pageSize < 512 || l.pageSize > maxPage || l.pageSize&(l.pageSize-1) != 0 {
		return nil, nil // not begun
	}
	if binary.BigEndian.Uint32(h[4:]) != 3007000 {
		return nil, fault("the format of its log is unknown")
	}
	return l, l.scan(h[16:24], sum)
}

// scan reads frames as long as each continues the checksum of the one before, and takes them over with each commit.
func (l *log) scan(salt []byte, sum checksum) error {
	frame := make([]byte, frameHeader+l.pageSize)
	pending := map[uint32]int64{}
	at := int64(walHeader)
	for ; at+int64(len(frame)) <= l.src.size; at += int64(len(frame)) {
		if err := l.src.read(frame[:frameHeader], at); err != nil {
			return err
		}
		if err := l.src.read(frame[frameHeader:], at+frameHeader); err != nil {
			return err
		}
		number, commit := binary.BigEndian.Uint32(frame), binary.BigEndian.Uint32(frame[4:])
		sum.add(frame[:8])
		sum.add(frame[frameHeader:])
		if number == 0 || string(frame[8:16]) != string(salt) || !sum.is(frame[16:]) {
			break
		}
		if pending[number] = at + frameHeader; len(l.frames)+len(pending) > maxFrames {
			return fault("its log has more than %d pages", maxFrames)
		}
		if commit != 0 {
			for number, at := range pending {
				l.frames[number] = at
			}
			clear(pending)
			l.pages = commit
		}
	}
	return nil
}

// checksum is that of a log, over pairs of 32-bit words.
type checksum struct {
	order  binary.ByteOrder
	s1, s2 uint32
}

func (c *checksum) add(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		c.s1 += c.order.Uint32(b) + c.s2
		c.s2 += c.order.Uint32(b[4:]) + c.s1
	}
}

func (c *checksum) is(b []byte) bool {
	return binary.BigEndian.Uint32(b) == c.s1 && binary.BigEndian.Uint32(b[4:]) == c.s2
}
