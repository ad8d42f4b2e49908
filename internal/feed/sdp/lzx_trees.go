package sdp

// trees reads the codes of a block. Their lengths are packed as differences from those of the block before.
func (d *lzxDecoder) trees() error {
	codes := d.mainLengths[:256+8*d.slots]
	for _, lengths := range [][]byte{codes[:256], codes[256:], d.lengthLengths[:]} {
		if err := d.lengths(lengths); err != nil {
			return err
		}
	}
	if err := d.main.build(codes); err != nil {
		return err
	}
	if d.lengthLengths == [lzxLengths]byte{} { // a block without long matches needs no code for their lengths
		d.length = lzxTree{}
		return nil
	}
	return d.length.build(d.lengthLengths[:])
}

// lengths changes the lengths of codes. A symbol is a difference, or 17 and 18: a run of zeros, or 19: a run of one difference.
func (d *lzxDecoder) lengths(lengths []byte) error {
	var own [20]byte
	for i := range own {
		own[i] = byte(d.in.take(4))
	}
	var t lzxTree
	if err := t.build(own[:]); err != nil {
		return err
	}
	for i := 0; i < len(lengths); {
		symbol, run, zero := t.next(&d.in), 1, false
		switch symbol {
		case 17:
			run, zero = 4+int(d.in.take(4)), true
		case 18:
			run, zero = 20+int(d.in.take(5)), true
		case 19:
			run = 4 + int(d.in.take(1))
			symbol = t.next(&d.in)
		}
		if d.in.short {
			return errLZXShort
		}
		if run > len(lengths)-i || symbol > 16 && !zero {
			return errLZXCodes
		}
		length := byte(0)
		if !zero {
			length = (lengths[i] + 17 - byte(symbol)) % 17
		}
		for ; run > 0; run-- {
			lengths[i] = length
			i++
		}
	}
	return nil
}
