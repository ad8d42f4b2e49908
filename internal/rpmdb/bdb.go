package rpmdb

import (
	"encoding/binary"
	"math/bits"
)

// Numbers of Berkeley DB's hash files (its db_page.h).
const (
	bdbMagic      = 0x061561
	bdbPageHeader = 26
	bdbUnsorted   = 2 // pages of keys and values
	bdbSorted     = 13
	bdbOverflow   = 7 // pages of one long value
	bdbMeta       = 8
	bdbKeyData    = 1 // a value on its page
	bdbOffPage    = 3 // a value on pages of its own
)

// hashFile is an open Berkeley DB hash file.
type hashFile struct {
	src      *source
	order    binary.ByteOrder
	pageSize int
	last     uint32 // number of the last page
	visited  uint32
	each     func([]byte) error
	blob     []byte
	pairs    uint64
}

// readBDB gives the blobs of a Packages file. It goes from bucket to bucket, as a look-up does, so that a page that was lost is missed.
func readBDB(f *source, _ func(string) (File, error), each func([]byte) error) error {
	meta := make([]byte, 512)
	if err := f.read(meta, 0); err != nil {
		return err
	}
	h := &hashFile{src: f, order: binary.LittleEndian, each: each}
	if h.order.Uint32(meta[12:]) != bdbMagic {
		h.order = binary.BigEndian
	}
	h.pageSize, h.last = int(h.order.Uint32(meta[20:])), h.order.Uint32(meta[32:])
	switch {
	case h.order.Uint32(meta[12:]) != bdbMagic || meta[25] != bdbMeta:
		return fault("it is not a Berkeley DB hash file")
	case meta[24] != 0:
		return fault("it is encrypted")
	case h.pageSize < 512 || h.pageSize > maxPage || h.pageSize&(h.pageSize-1) != 0:
		return fault("its pages cannot have %d bytes", h.pageSize)
	case (int64(h.last)+1)*int64(h.pageSize) > f.size:
		return fault("it is cut off: it has %d bytes and not %d", f.size, (int64(h.last)+1)*int64(h.pageSize))
	}
	buckets, keys := h.order.Uint32(meta[72:]), h.order.Uint32(meta[88:])
	if buckets > h.last {
		return fault("it cannot have %d buckets", buckets)
	}
	for b := range buckets + 1 {
		// spares say how far the buckets of each power of two are from where their numbers would put them
		if err := h.bucket(b + h.order.Uint32(meta[96+4*bits.Len32(b):])); err != nil {
			return err
		}
	}
	if h.pairs < uint64(keys) {
		return fault("it has %d entries and not %d", h.pairs, keys)
	}
	return nil
}

func (h *hashFile) page(b []byte, number uint32) error {
	if h.visited++; h.visited > 2*h.last+64 {
		return fault("its pages refer to each other in circles")
	}
	if number == 0 || number > h.last {
		return fault("it has no page %d", number)
	}
	if err := h.src.read(b, int64(number)*int64(h.pageSize)); err != nil {
		return err
	}
	if h.order.Uint32(b[8:]) != number {
		return fault("its page %d is damaged", number)
	}
	return nil
}

// bucket reads the pages of one bucket.
func (h *hashFile) bucket(number uint32) error {
	page := make([]byte, h.pageSize)
	for number != 0 {
		if err := h.page(page, number); err != nil {
			return err
		}
		entries := int(h.order.Uint16(page[20:]))
		if page[25] != bdbSorted && page[25] != bdbUnsorted || entries%2 != 0 || bdbPageHeader+2*entries > h.pageSize {
			return fault("its page %d is damaged", number)
		}
		end := h.pageSize // entries lie from the end of the page towards its beginning
		for i := 0; i < entries; i += 2 {
			key, value := h.offset(page, i), h.offset(page, i+1)
			if key > end || value > key || value < bdbPageHeader+2*entries {
				return fault("its page %d is damaged", number)
			}
			if err := h.pair(page[key:end], page[value:key]); err != nil {
				return err
			}
			end = value
		}
		number = h.order.Uint32(page[16:])
	}
	return nil
}

func (h *hashFile) offset(page []byte, i int) int {
	return int(h.order.Uint16(page[bdbPageHeader+2*i:]))
}

// pair reads one entry. The key is the package's number; under 0 rpm keeps the highest number so far.
func (h *hashFile) pair(key, value []byte) error {
	h.pairs++
	if len(key) != 5 || key[0] != bdbKeyData || len(value) == 0 {
		return fault("one of its entries is damaged")
	}
	switch {
	case h.order.Uint32(key[1:]) == 0:
		return nil
	case value[0] == bdbKeyData:
		return h.each(value[1:])
	case value[0] == bdbOffPage && len(value) == 12:
		return h.overflow(h.order.Uint32(value[4:]), h.order.Uint32(value[8:]))
	}
	return fault("one of its entries is damaged")
}

// overflow reads a value from its own pages.
func (h *hashFile) overflow(number, size uint32) error {
	if size > maxBlob {
		return fault("one of its entries has %d bytes", size)
	}
	h.blob = h.blob[:0]
	page := make([]byte, h.pageSize)
	for number != 0 {
		if err := h.page(page, number); err != nil {
			return err
		}
		n := int(h.order.Uint16(page[22:]))
		if page[25] != bdbOverflow || n == 0 || bdbPageHeader+n > h.pageSize || len(h.blob)+n > int(size) {
			return fault("its page %d is damaged", number)
		}
		h.blob = append(h.blob, page[bdbPageHeader:bdbPageHeader+n]...)
		number = h.order.Uint32(page[16:])
	}
	if len(h.blob) != int(size) {
		return fault("one of its entries has %d bytes and not %d", len(h.blob), size)
	}
	return h.each(h.blob)
}
