package rpmdb

import (
	"encoding/binary"
	"hash/adler32"
)

// Sizes of rpm's own database file, ndb: a slot for each package in pages at the beginning, then the headers in blocks.
const (
	ndbPage  = 4096
	ndbSlot  = 16
	ndbBlock = 16
	ndbHead  = 16
	ndbTail  = 12
	// maxSlotPages holds more slots than maxPackages.
	maxSlotPages = 1024
)

// readNDB gives the blobs of Packages.db (rpm's lib/backend/ndb/rpmpkg.c).
func readNDB(f *source, _ func(string) (File, error), each func([]byte) error) error {
	page := make([]byte, ndbPage)
	if err := f.read(page, 0); err != nil {
		return err
	}
	pages := binary.LittleEndian.Uint32(page[12:])
	switch {
	case string(page[:4]) != "RpmP":
		return fault("it is not an ndb database")
	case binary.LittleEndian.Uint32(page[4:]) != 0:
		return fault("its format %d is newer than this program", binary.LittleEndian.Uint32(page[4:]))
	case pages == 0 || pages > maxSlotPages:
		return fault("it cannot have %d pages of slots", pages)
	}
	var blob []byte
	skip := 2 * ndbSlot // the file's own header
	for i := range int64(pages) {
		if err := f.read(page, i*ndbPage); err != nil {
			return err
		}
		for slot := page[skip:]; len(slot) > 0; slot = slot[ndbSlot:] {
			if string(slot[:4]) != "Slot" {
				return fault("its page of slots %d is damaged", i)
			}
			if binary.LittleEndian.Uint32(slot[8:]) == 0 {
				continue // free
			}
			var err error
			if blob, err = ndbBlob(f, slot, int64(pages)*ndbPage, blob); err != nil {
				return err
			}
			if err := each(blob[ndbHead : ndbHead+binary.LittleEndian.Uint32(blob[12:])]); err != nil {
				return err
			}
		}
		skip = 0
	}
	return nil
}

// ndbBlob reads the blob of a slot, with its head and tail, into b.
func ndbBlob(f *source, slot []byte, begin int64, b []byte) ([]byte, error) {
	index := binary.LittleEndian.Uint32(slot[4:])
	at, size := int64(binary.LittleEndian.Uint32(slot[8:]))*ndbBlock, int64(binary.LittleEndian.Uint32(slot[12:]))*ndbBlock
	if index == 0 || at < begin || size < ndbHead+ndbTail || size > maxBlob {
		return nil, fault("its slot of package %d is damaged", index)
	}
	if at+size > f.size {
		return nil, fault("it is cut off: package %d is missing", index)
	}
	if int64(cap(b)) < size {
		b = make([]byte, size)
	}
	b = b[:size]
	if err := f.read(b, at); err != nil {
		return nil, err
	}
	length := binary.LittleEndian.Uint32(b[12:])
	tail := b[size-ndbTail:]
	if string(b[:4]) != "BlbS" || binary.LittleEndian.Uint32(b[4:]) != index || string(tail[8:]) != "BlbE" ||
		binary.LittleEndian.Uint32(tail[4:]) != length || (int64(length)+ndbHead+ndbTail+ndbBlock-1)/ndbBlock*ndbBlock != size ||
		adler32.Checksum(b[:size-ndbTail]) != binary.LittleEndian.Uint32(tail) {
		return nil, fault("its entry of package %d is damaged", index)
	}
	return b, nil
}
