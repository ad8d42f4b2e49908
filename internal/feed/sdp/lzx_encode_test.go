package sdp

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strconv"
)

// lzxEncoder makes LZX data that use all of the format: it does not look for good matches but draws tokens and codes at random.
type lzxEncoder struct {
	r        *rand.Rand
	window   int // bits
	calls    int
	plain    []byte
	repeat   [3]int
	main     [lzxMainCodes]byte
	length   [lzxLengths]byte
	frames   [][]byte
	packed   []byte // this frame
	acc      uint64
	n        int
	owesByte bool
	seen     map[string]bool
}

// lzxToken is a literal, or a match of n bytes.
type lzxToken struct {
	main, length int
	n            int
	extra        int // bits after the codes
	footer       int
}

func newLZXEncoder(r *rand.Rand, window int, calls int32, seen map[string]bool) *lzxEncoder {
	e := &lzxEncoder{r: r, window: window, calls: int(calls), repeat: [3]int{1, 1, 1}, seen: seen}
	if calls == 0 {
		e.put(0, 1)
		return e
	}
	e.put(1, 1)
	e.put(int(uint32(calls)>>16), 16)
	e.put(int(uint32(calls)&0xffff), 16)
	return e
}

func (e *lzxEncoder) put(v, n int) {
	e.acc, e.n = e.acc<<n|uint64(v), e.n+n
	for e.n >= 16 {
		e.packed = binary.LittleEndian.AppendUint16(e.packed, uint16(e.acc>>(e.n-16)))
		e.n -= 16
	}
}

func (e *lzxEncoder) cut() {
	if e.n > 0 {
		e.put(0, 16-e.n)
	}
	e.frames, e.packed = append(e.frames, e.packed), nil
}

// block adds a block of size bytes.
func (e *lzxEncoder) block(kind, size int) {
	if e.owesByte {
		e.packed, e.owesByte = append(e.packed, 0), false
	}
	if kind == lzxStored {
		e.stored(size)
		return
	}
	tokens, total := e.tokens(size), 0
	var mains, lengths, aligneds [lzxMainCodes]int
	for _, t := range tokens {
		total += t.n
		mains[t.main]++
		if t.length >= 0 {
			lengths[t.length]++
		}
		aligneds[t.footer&7]++
	}
	e.put(kind, 3)
	e.put(total, 24)
	alignedLengths := e.code(aligneds[:8], 7, false)
	if kind == lzxAligned {
		for _, l := range alignedLengths {
			e.put(int(l), 3)
		}
	}
	main := e.code(mains[:256+8*(len(lzxPositions(e.window))-1)], 16, false)
	length := e.code(lengths[:lzxLengths], 16, e.r.IntN(2) == 0)
	e.lengths(e.main[:256], main[:256])
	e.lengths(e.main[256:len(main)], main[256:])
	e.lengths(e.length[:], length)
	mainCodes, lengthCodes, alignedCodes := canonicalCodes(main), canonicalCodes(length), canonicalCodes(alignedLengths)
	at := len(e.plain) - total
	for _, t := range tokens {
		e.put(mainCodes[t.main], int(main[t.main]))
		e.note("code of", int(main[t.main]))
		if t.length >= 0 {
			e.put(lengthCodes[t.length], int(length[t.length]))
		}
		switch {
		case kind == lzxAligned && t.extra >= 3:
			e.put(t.footer>>3, t.extra-3)
			e.put(alignedCodes[t.footer&7], int(alignedLengths[t.footer&7]))
		default:
			e.put(t.footer, t.extra)
		}
		if t.main >= 256 {
			e.note([]string{1: "verbatim slot", 2: "aligned slot"}[kind], (t.main-256)>>3)
		}
		if at += t.n; at%lzxFrame == 0 {
			e.cut()
		}
	}
}

func (e *lzxEncoder) note(what string, n int) { e.seen[what+" "+strconv.Itoa(n)] = true }

func (e *lzxEncoder) stored(size int) {
	e.note("stored at bit", e.n)
	e.put(lzxStored, 3)
	e.put(size, 24)
	e.put(0, 16-e.n)
	for i := range e.repeat {
		e.repeat[i] = max(1, min(len(e.plain), 1<<e.window-3)) // the farthest that a slot can name
		if e.r.IntN(4) > 0 {
			e.repeat[i] = 1 + e.r.IntN(e.repeat[i])
		}
		e.packed = binary.LittleEndian.AppendUint32(e.packed, uint32(e.repeat[i]))
	}
	for range size {
		if e.frameFull() {
			e.cut()
		}
		b := byte(e.r.IntN(256))
		if e.r.IntN(20) == 0 {
			b = 0xe8
		}
		e.plain, e.packed = append(e.plain, b), append(e.packed, b)
	}
	if e.owesByte = size%2 == 1; e.owesByte && e.r.IntN(2) == 0 {
		e.packed, e.owesByte = append(e.packed, 0), false
		e.note("odd stored", 0)
	}
	if e.frameFull() {
		e.cut()
	}
}

// frameFull says whether the bytes fill one frame more than were cut.
func (e *lzxEncoder) frameFull() bool { return len(e.plain) == lzxFrame*(len(e.frames)+1) }

// tokens draws what a block holds and does it.
func (e *lzxEncoder) tokens(size int) []lzxToken {
	alphabet := e.r.Perm(256)[:1+e.r.IntN(40)]
	alphabet = append(alphabet, 0xe8, 0, 0xff)
	literals := []int{2, 5, 50}[e.r.IntN(3)]
	var tokens []lzxToken
	for end := len(e.plain) + size; len(e.plain) < end; {
		room := min(end-len(e.plain), lzxFrame-len(e.plain)%lzxFrame)
		if room >= 5 && e.r.IntN(100) == 0 { // a call that may be within the size
			here := len(e.plain)
			target := []int{e.r.IntN(3*here+9) - here - 4, e.calls, e.calls - 1, 0, -here, -here - 1}[e.r.IntN(6)]
			call := binary.LittleEndian.AppendUint32([]byte{0xe8}, uint32(target))
			for _, b := range call {
				tokens = append(tokens, lzxToken{main: int(b), length: -1, n: 1})
			}
			e.plain = append(e.plain, call...)
			continue
		}
		if room < 2 || len(e.plain) == 0 || e.r.IntN(100) < literals {
			b := alphabet[e.r.IntN(len(alphabet))]
			tokens = append(tokens, lzxToken{main: b, length: -1, n: 1})
			e.plain = append(e.plain, byte(b))
			continue
		}
		tokens = append(tokens, e.match(room))
	}
	return tokens
}

func (e *lzxEncoder) match(room int) lzxToken {
	n := min(room, 257)
	switch e.r.IntN(4) {
	case 0:
		n = 2 + e.r.IntN(min(n, 20)-1)
	case 1:
		n = 2 + e.r.IntN(n-1)
	}
	t := lzxToken{n: n, length: -1}
	reach := min(len(e.plain), 1<<e.window)
	slot, bases := e.r.IntN(3), lzxPositions(e.window)
	if e.repeat[slot] > reach || e.r.IntN(3) > 0 {
		slot = 3 + e.r.IntN(len(bases)-4)
		for bases[slot]-2 > reach {
			slot = 3 + e.r.IntN(slot-3)
		}
	}
	if slot < 3 {
		e.repeat[0], e.repeat[slot] = e.repeat[slot], e.repeat[0]
	} else {
		base, next := bases[slot], bases[slot+1]
		t.extra = bits.Len(uint(next-base)) - 1
		t.footer = e.r.IntN(min(next, reach+3) - base)
		e.repeat = [3]int{base - 2 + t.footer, e.repeat[0], e.repeat[1]}
	}
	t.main = 256 + slot*8 + min(n-2, 7)
	if n >= 9 {
		t.length = n - 9
	}
	for range n {
		e.plain = append(e.plain, e.plain[len(e.plain)-e.repeat[0]])
	}
	return t
}

// lzxPositions gives where the position slots of a window begin, and where the last one ends: [MS-PATCH]'s table.
func lzxPositions(window int) []int {
	bases := []int{0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192,
		12288, 16384, 24576, 32768, 49152, 65536, 98304, 131072, 196608, 262144}
	for len(bases) <= lzxMaxSlots {
		bases = append(bases, bases[len(bases)-1]+131072)
	}
	return bases[:[]int{30, 32, 34, 36, 38, 42, 50}[window-15]+1]
}

// code draws the lengths of a complete code for the symbols that occur and some more.
func (e *lzxEncoder) code(count []int, longest int, sparse bool) []byte {
	var symbols []int
	for s, n := range count {
		if n > 0 {
			symbols = append(symbols, s)
		}
	}
	lengths := make([]byte, len(count))
	if len(symbols) == 0 && sparse {
		return lengths
	}
	more := e.r.IntN(8)
	for _, s := range e.r.Perm(len(count)) {
		if count[s] == 0 && (len(symbols) < 2 || more > 0) {
			symbols = append(symbols, s)
			more--
		}
	}
	leaves, skewed := []int{1, 1}, e.r.IntN(3)
	for len(leaves) < len(symbols) {
		at := e.r.IntN(len(leaves))
		if skewed == 0 {
			at = len(leaves) - 1
		}
		for leaves[at] == longest || skewed == 2 && leaves[at] > slices.Min(leaves) {
			at = e.r.IntN(len(leaves))
		}
		leaves[at]++
		leaves = append(leaves, leaves[at])
	}
	slices.Sort(leaves)
	slices.SortStableFunc(symbols, func(a, b int) int { return count[b] - count[a] })
	for i, s := range symbols {
		lengths[s] = byte(leaves[i])
	}
	return lengths
}

// lengths packs new lengths as differences from the old ones, which it replaces.
func (e *lzxEncoder) lengths(old, lengths []byte) {
	type item struct{ symbol, extra, bits, after int }
	var items []item
	var count [20]int
	difference := func(i int) int { return (int(old[i]) + 17 - int(lengths[i])) % 17 }
	for i := 0; i < len(lengths); {
		run := 1
		for i+run < len(lengths) && lengths[i+run] == lengths[i] {
			run++
		}
		it := item{symbol: difference(i), after: -1}
		n := 1
		switch plain := e.r.IntN(4) == 0; {
		case plain:
		case lengths[i] == 0 && run >= 20:
			n = min(run, 51)
			it = item{18, n - 20, 5, -1}
		case lengths[i] == 0 && run >= 4:
			n = min(run, 19)
			it = item{17, n - 4, 4, -1}
		case run >= 4:
			n = min(run, 5)
			it = item{19, n - 4, 1, difference(i)}
			count[it.after]++
		}
		count[it.symbol]++
		e.note("length symbol", it.symbol)
		items = append(items, it)
		i += n
	}
	own := e.code(count[:], 15, false)
	for _, l := range own {
		e.put(int(l), 4)
	}
	codes := canonicalCodes(own)
	for _, it := range items {
		e.put(codes[it.symbol], int(own[it.symbol]))
		e.put(it.extra, it.bits)
		if it.after >= 0 {
			e.put(codes[it.after], int(own[it.after]))
		}
	}
	copy(old, lengths)
}

// canonicalCodes gives the codes of these lengths.
func canonicalCodes(lengths []byte) []int {
	codes, code := make([]int, len(lengths)), 0
	for l := 1; l <= 16; l++ {
		for s, n := range lengths {
			if int(n) == l {
				codes[s] = code
				code++
			}
		}
		code <<= 1
	}
	return codes
}

// lzxCall is what a packer does with calls before it packs: relative targets within the size become absolute.
func lzxCall(plain []byte, size int) []byte {
	out := slices.Clone(plain)
	for start := 0; start < len(out); start += lzxFrame {
		frame := out[start:min(start+lzxFrame, len(out))]
		for i := 0; i+10 < len(frame); i++ {
			if frame[i] != 0xe8 {
				continue
			}
			here, field := start+i, frame[i+1:i+5]
			relative := int(int32(binary.LittleEndian.Uint32(field)))
			if relative >= -here && relative < size-here {
				binary.LittleEndian.PutUint32(field, uint32(relative+here))
			} else if relative >= size-here && relative < size {
				binary.LittleEndian.PutUint32(field, uint32(relative-size))
			}
			i += 4
		}
	}
	return out
}
